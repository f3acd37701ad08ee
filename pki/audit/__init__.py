"""The audit journal (RFC 3647 §5.4): what is recorded (`events`), chained (`journal`), sealed (`seal`), checked (`verify`).

Imports `trust` only. The store behind it is a port; the mathematics is `trust.transparency`.
"""
