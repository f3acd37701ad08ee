"""Who runs the machine: how the whole authority goes."""
