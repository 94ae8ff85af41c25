"""Compatibility by the number: run suites of programs as guests and say what passed, with denominators.

The words here: a *suite* is a TOML file; a *case* is one program of it, started once in a place and with
limits of its own; a *test* is one result that the program reports (most report many).  A test's full name is
`CASE::TEST`; a case that reports nothing, or that ends badly, has a result under its own name.
"""
