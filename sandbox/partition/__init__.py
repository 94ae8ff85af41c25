"""Partitions of one computer, simulated: engines dedicated or shared, boards that move, parts that fail.

`dispatcher` runs every dispatch of every logical processor (SimPy); `domain` follows thousands of guests by
their rates alone; `multiprocessor` shows what an n-way loses to locks and cold caches; `scenario` reads a
script of partitions, moves and faults and carries it out.  SimPy is imported when something is simulated.
"""
