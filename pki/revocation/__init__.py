"""Revocation (RFC 3647 §4.9): who may end or suspend a certificate, why, and from when."""
