"""Small honest programs that stand for the world in tests."""
