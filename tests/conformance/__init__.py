"""Programs that make a guest kernel's calls themselves and say in TAP what they saw."""
