"""A small 32-bit x86 machine: assembler, board, processor and the guest kernels that run on it."""
