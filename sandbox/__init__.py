"""Surroundings for a program: zones, simulators of machines and partitions.  Never imports personality."""
