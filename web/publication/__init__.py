"""Publication (RFC 3647 §2 and §4.10): certificate status, CRLs, issuer certificates and policies, over plain HTTP.

A small process of its own that holds no key and no database: it hands out octets that the issuer signed.
"""
