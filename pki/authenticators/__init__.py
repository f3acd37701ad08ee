"""Who is in front of the screen (RFC 3647 §5.2.3): accounts, passkeys, one-time entries, sessions. No password anywhere."""
