"""Protocol codecs: octets → question, result → octets. They import `trust` only, and touch no network."""
