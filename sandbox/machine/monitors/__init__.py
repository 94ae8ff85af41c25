"""Monitors that execute guest kernels, each its own way, and end where the bare machine ends."""
