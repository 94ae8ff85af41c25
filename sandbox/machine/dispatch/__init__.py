"""Simulators of when guests run: time that passes without them, lost ticks, and locks spun on."""
