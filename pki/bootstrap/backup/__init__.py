"""Saving a home and putting it back (RFC 3647 §5.7.2, §6.2.4; CP 5.7.4, CP 6.2.4).

`make` writes a backup while the authority works; `restore` puts one in an empty place; `prove` restores it aside and says what
it found. `envelope` is who can open it, `sheets` the paper on which the m-of-n group keeps what opens it, `archive` how files
travel in it, `judge` what is asked of a database before it is believed. After a restore: `pki.bootstrap.quarantine`.
"""
