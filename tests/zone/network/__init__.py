"""Networks of zones."""
