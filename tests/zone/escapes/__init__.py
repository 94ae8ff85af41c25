"""Attempts to get out of a sandbox."""
