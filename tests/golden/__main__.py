"""`python -m tests.golden`: write the golden files anew (`make golden`), to be read as a diff before they are committed."""

from tests.golden.regenerate import main

main()
