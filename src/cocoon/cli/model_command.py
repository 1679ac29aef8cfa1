"""``cocoon model``: archives of models whose name says exactly what they hold."""

import typer

app = typer.Typer(
    help="Build and verify model archives, named by their content.",
    no_args_is_help=True,
)
