"""What the supervisor answers for more than one BSD: facts about the host, in Python.

The C beside it is compiled once for each of the kernels.
"""
