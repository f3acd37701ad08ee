"""What a crash, a full disk, a broken generator or a lying module leaves behind (invariants I1 to I12)."""
