"""What `guise trace` shows of a run: events from records, filters, and the forms of output."""


class ExpressionError(Exception):
    """An expression of `-e` or `--inject` means nothing: one sentence."""
