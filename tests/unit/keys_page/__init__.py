"""The list of the authority's keys: its counts, its rules, its file."""
