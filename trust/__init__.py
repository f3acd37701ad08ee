"""What any participant may know and check: identifiers, names, algorithms, path validation, status clients, log arithmetic.

The lowest house: it imports nothing of ours.
"""
