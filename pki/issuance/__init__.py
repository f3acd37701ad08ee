"""Certificate issuance (RFC 3647 §4.3): from a written, approved order to a certificate, by one path."""
