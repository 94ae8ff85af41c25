"""Programs that nobody here wrote for the purpose, doing what they are for."""
