"""The API: what the pages of officers and of structures do, over HTTP, for programs (docs/api.md)."""
