"""Zones: one kernel, several systems.  Some surround one program, others have a life of their own."""


class ZoneError(Exception):
    """A zone cannot do what was asked: one sentence, with what to do about it."""
