"""The inventory of certificates: what each is, and where it stands in its life (RFC 3647 §4.3 to §4.10)."""
