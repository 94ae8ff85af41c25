"""Reading what the runtime writes about calls: the shared trace area, and recordings of it.

Nothing here knows what a call means (that is `syscalls.decode`) or how to show it (`guise.tracing`).
"""
