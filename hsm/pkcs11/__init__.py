"""Keys in a module that never gives them out: PKCS#11 (OASIS PKCS#11 v2.40, v3.0; RFC 3647 §6.2.1; CP 6.2.1).

Open `custodian.py` first. `uri` chooses a token, `module` loads the library, `pin` opens it once, `pool` has sessions work with a
time limit, `keys` finds keys and says what is wrong with them, `mechanisms` makes and signs.
"""
