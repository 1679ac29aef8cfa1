# ruff: noqa: PLC0415 - imported when the command runs, for a quick `cocoon --help`
"""``cocoon model``: archives of models whose name says exactly what they hold."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from cocoon.model.name import ModelName

app = typer.Typer(
    help="Build and verify model archives, named by their content.",
    no_args_is_help=True,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
FullName = Annotated[
    str, typer.Argument(help="Full name, base@commit:hash.", metavar="NAME", show_default=False)
]


@app.command("build")
def build(
    source: Annotated[
        Path,
        typer.Argument(help="Directory of the model, or a single file (GGUF).", metavar="SOURCE"),
    ],
    name: Annotated[
        str, typer.Option("--name", help="Base name, such as Qwen/Qwen3-8B.", metavar="NAME")
    ],
    commit: Annotated[
        str, typer.Option("--commit", help="Revision where it comes from.", metavar="COMMIT")
    ],
    output: Annotated[
        Path, typer.Option("--output", help="Directory for the archive.", metavar="DIR")
    ] = Path(),
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Compute the full name; write nothing.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Overwrite another archive of this name.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make the archive of a model, its hash tree and its full name.

    Prints the full name and the path of the archive. Everybody who builds the same files gets the
    same name, with this command or with the official one.
    """
    from cocoon.errors import ConfigError
    from cocoon.model import archive
    from cocoon.model.build import ModelFiles, root_of
    from cocoon.model.build import build as write
    from cocoon.model.name import ModelName, check_commit, check_name

    check_name(name)
    check_commit(commit)
    if not dry_run and not output.is_dir():
        raise ConfigError(f"--output: there is no directory {output}")
    made_of = archive.source(source)
    files: ModelFiles | None = None
    with _progress("Reading the model" if dry_run else "Writing the archive") as progress:
        if dry_run:
            full = ModelName(name, commit, root_of(made_of, progress))
        else:
            built = write(made_of, name, commit, output, replace=replace, progress=progress)
            full, files = built.name, built.files
    if as_json:
        paths = (
            {} if files is None else {"archive": str(files.archive), "verity": str(files.verity)}
        )
        _print_json(_described(full) | {"size": made_of.size} | paths)
        return
    typer.echo(str(full) if files is None else f"{full} {files.archive.absolute()}")
    typer.echo(f"model hash in the root contract: {full.hash.hex()}", err=True)


@app.command("verify")
def verify(
    name: FullName,
    path: Annotated[
        Path,
        typer.Argument(
            help="Archive (a file or block device), directory, or single file.", metavar="PATH"
        ),
    ],
    verity: Annotated[
        Path | None,
        typer.Option(
            "--verity",
            help="Hash file of the true archive: checked too, and a refusal says what differs.",
            metavar="FILE",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Prove that files are the model of this name, or fail with exit code 3.

    What is downloaded, mounted or served can be checked: the archive itself, the directory that it
    was unpacked to, or the single file.
    """
    from cocoon.errors import AttestationError
    from cocoon.model import verify as verification
    from cocoon.model.name import ModelName

    full = ModelName.parse(name)
    try:
        with _progress("Reading the model") as progress:
            proven = verification.verify(full, path, verity=verity, progress=progress)
    except AttestationError as error:
        if as_json:
            failure = {"path": str(path), "verified": False, "reason": str(error)}
            _print_json(_described(full) | failure)
        raise
    if as_json:
        found = {"path": str(path), "form": str(proven.form), "size": proven.size, "verified": True}
        _print_json(_described(full) | found)
        return
    typer.echo(f"verified: this {proven.form} is {full}")


@app.command("hash")
def model_hash(name: FullName, as_json: AsJson = False) -> None:
    """Print the model hash of a full name: what the root contract lists."""
    from cocoon.model.name import ModelName

    full = ModelName.parse(name)
    if as_json:
        _print_json(_described(full))
        return
    typer.echo(full.hash.hex())


def _described(full: "ModelName") -> dict[str, Any]:
    return {
        "name": str(full),
        "base_name": full.name,
        "commit": full.commit,
        "root": full.root.hex(),
        "model_hash": full.hash.hex(),
    }


def _print_json(value: dict[str, Any]) -> None:
    typer.echo(json.dumps(value))


@contextmanager
def _progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, nothing elsewhere."""
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    from cocoon.cli import screen

    console = screen.stderr()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    with bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
