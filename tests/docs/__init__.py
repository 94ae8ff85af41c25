"""The pages in docs/ that are derived from something else."""
