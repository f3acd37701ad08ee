"""The page where anybody has a certificate checked."""
