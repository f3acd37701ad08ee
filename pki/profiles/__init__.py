"""Certificate profiles (RFC 3647 §7.1): what a certificate of each kind holds, and how it is written.

`model` is the profile as a value, `load` reads it from TOML, `limits` refuses what the policy does not promise, `render` writes a
certificate with pyca's builder (the oracle), `compiled` writes the same octets by joining bytes.
"""
