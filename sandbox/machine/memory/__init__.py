"""Simulators of what monitors do about memory: paging under paging, balloons, sharing, idle tax, TLBs."""
