"""A folder of verbs, like `pki.cli`, for watching the frame."""
