"""HTTP: one small application per audience, strangers to each other."""
