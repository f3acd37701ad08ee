"""Certificate status services (RFC 3647 §4.10; CP 4.10): what relying parties are told about a certificate, and how it stays
fresh."""
