"""What every application for people shares: the frame of its pages, their safety, signing in. It knows no audience."""
