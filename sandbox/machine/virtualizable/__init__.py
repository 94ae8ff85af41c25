"""Which instructions are sensitive, privileged, or trap: found by running them.

G. J. Popek and R. P. Goldberg, "Formal Requirements for Virtualizable Third Generation Architectures",
CACM 17(7), 1974: a monitor by trap-and-emulate exists if every sensitive instruction traps in the user mode.
"""
