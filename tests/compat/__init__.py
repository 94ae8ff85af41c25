"""Tests of `guise compat`."""
