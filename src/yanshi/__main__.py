"""`python -m yanshi` is the command `yanshi`."""

from yanshi.cli.main import main

main()
