"""Limits and accounting."""
