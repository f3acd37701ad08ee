"""Registration (RFC 3647 §3.2, §4.1, §4.2): who asks, for whom, on what evidence, and who decided."""
