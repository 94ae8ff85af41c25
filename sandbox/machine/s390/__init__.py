"""Trap and emulate where it works: S/370's heirs trap whatever is sensitive (almost; see virtualizable)."""
