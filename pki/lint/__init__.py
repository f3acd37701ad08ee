"""Linting: is this what the profile, the policy and the standards say? (RFC 3647 §7; CP 7.1)

`rules` judges every to-be-signed certificate before the real key touches it. `external` asks pkilint about specimens, samples,
lists and status answers. `corpus` holds the extreme names that profiles are tried on.
"""
