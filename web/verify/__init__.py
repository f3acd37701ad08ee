"""The page where anybody has a certificate of this authority checked. Nobody signs in, and nothing is kept."""
