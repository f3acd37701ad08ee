"""Composition: where processes are put together, started, watched and examined.

`services` says which processes there are, `supervisor` runs them all as children, `child` is the other end; `checks` examine a
home. Importing this package, or any of those, brings in no key, no database and no web framework: each process imports its own
entry point.
"""
