"""Zones: one kernel, several systems.  Some surround one program, others have a life of their own."""


class ZoneError(Exception):
    """A zone cannot do what was asked: one sentence, with what to do about it."""


def reason(error: OSError) -> str:
    """An error of the host's as the end of a sentence."""
    return (error.strerror or str(error)).lower()
