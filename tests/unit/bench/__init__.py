"""The benchmarks themselves: that they run, and that their table says what was measured."""
