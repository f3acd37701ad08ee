"""Speed and memory, measured beside the peers in one run: `make bench` (goals: the P and W numbers of each section).

The machine is what it is that day, so the figures to read are CPU per operation and their ratio; nothing here is a test.
"""
