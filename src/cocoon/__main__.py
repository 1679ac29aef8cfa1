"""``python -m cocoon`` is the ``cocoon`` command."""

from cocoon.cli import main

main()
