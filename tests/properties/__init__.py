"""The authority under any sequence of events: Hypothesis looks for one that breaks a promise."""
