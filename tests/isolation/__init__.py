"""Who sees what: every route of every application, for everybody, on what is theirs and what is not."""
