"""Zones: the sandbox of `guise run`, and zones with a life of their own."""
