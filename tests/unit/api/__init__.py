"""The API, and what opens it."""
