"""What `guise trace` shows of a run: events from records, filters, and the forms of output."""
