"""The ``cocoon`` command. Every file ``*_command.py`` is one command, thin over the packages below.

Command files import only typer and the standard library at the top, so that ``cocoon --help`` is
quick; what a command needs is imported when it runs.
"""

from cocoon.cli.app import main

__all__ = ["main"]
