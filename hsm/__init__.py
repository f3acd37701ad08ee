"""Custody of keys (RFC 3647 §6.1, §6.2): who holds them, what each may be used for."""
