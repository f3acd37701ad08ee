"""May this certificate be relied on? Path (`chain`), status (`crl`, `ocsp`), both (`check`): always a `verdict` with reasons.

Everything here takes the time as an argument and does no input or output, except the `*_client` modules.
"""
