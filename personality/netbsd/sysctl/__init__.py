"""The sysctl tree that NetBSD programs read and walk, one module per branch.

A branch is imported when its number is first asked for, because most programs ask for two or three
values when they start and never again.
"""
