"""What the commands do, one module per verb or part of a verb: imported when it is run, never for help.

A module of `pki.cli` declares a verb and its options and costs nothing to import; its twin here opens the home, calls the
services that pages and protocols call too, and prints. `VERBS` names the functions: verb → function(args) → exit code.
"""
