"""Guests in surroundings that give little: closed descriptors, low limits, no /proc; and storms of them."""
