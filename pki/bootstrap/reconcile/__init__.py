"""Comparing the inventory with what is known outside it, and entering what it lacks (reliability B01; CP 5.7.4; decision 0017).

Two things outlive a database: the witness of signatures (`hsm.witness`) and the lists that relying parties were given. `lists`
reads the second, `compare` holds the inventory against both, `enter` writes down what was lost and ends a quarantine. In a sound
authority that was never restored, the comparison finds nothing: it is worth making every day.
"""
