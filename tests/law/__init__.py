"""Laws of the house: what must hold of the code and of its documents, whatever it computes."""
