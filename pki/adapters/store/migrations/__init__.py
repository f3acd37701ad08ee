"""The revisions of the schema, oldest first; `tables.metadata` is where they lead (a test compares the two)."""
