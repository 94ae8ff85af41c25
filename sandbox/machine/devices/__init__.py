"""Simulators of input and output: devices that are emulated, and rings that are shared."""
