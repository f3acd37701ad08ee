"""The relying parties' house (secure mail, patient record): strangers to the authority, they import `trust` only."""
