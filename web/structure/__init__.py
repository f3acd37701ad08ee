"""The pages of who administers the servers of a structure."""
