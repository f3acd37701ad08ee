"""Key ceremonies: a reviewed script, its rules, its steps, its transcript (RFC 3647 §6.1.1; CP 6.1.1)."""
