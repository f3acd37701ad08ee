"""The database (SQLite or PostgreSQL): one transaction per use case, state *and* journal or neither."""
