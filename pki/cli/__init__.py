"""The operator's commands: `sceau VERB`, one module per verb.

To add a verb, add a file: `pki/cli/thing.py` makes `sceau thing`. Its docstring's first sentence is the line in `sceau --help`;
``register(subparsers)`` declares its arguments with `pki.cli._frame.command`, ``run(args) -> int`` does the work and returns 0
(done) or 1 (refused or failed, with the reason printed). `args.home` is a `Path` and `args.json` a bool, always. Raise the
families of `trust.errors`: the frame prints them. Modules whose name starts with an underscore are the frame itself.
"""
