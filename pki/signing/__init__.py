"""The signatures of the authority, one file per kind of thing signed (RFC 3647 §6.2.8; CP 6.1.7).

Each kind has exactly one permitted caller, which the import laws name: certificates are signed for `pki.issuance`, CRLs and OCSP
responses for `pki.status`, checkpoints for `pki.audit`'s seal. All pass by `door`, the only importer of `hsm` in request work.
"""
