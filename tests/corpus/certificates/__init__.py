"""Certificates that no parser should believe: see `generate`."""
