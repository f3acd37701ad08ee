"""The authority: registration, issuance, revocation and status. `ARCHITECTURE.md` is the map of its rooms."""
