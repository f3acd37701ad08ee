"""The state of things, as an ordre sees it."""
