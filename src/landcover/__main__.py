"""`python -m landcover` is the command `landcover`."""

from landcover.cli.main import main

main()
