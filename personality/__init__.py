"""Gives one process the face of another kernel: the runtime (C) and the supervisor (Python).

The package is empty on purpose: `guise run` imports as little as it can before the guest starts.
"""
