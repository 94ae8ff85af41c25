"""The process beside the guests: it starts the first one, plans every exec and serves cold calls.

Nothing is imported here, because each module is loaded only when a run needs it.
"""
