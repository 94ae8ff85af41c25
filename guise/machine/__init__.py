"""The actions of `guise machine`."""
