"""The benchmarks: that they measure what they say, and report it as it was."""
