# ruff: noqa: PLC0415 - imported when the command runs, for a quick `cocoon --help`
"""``cocoon attest verify``."""

from pathlib import Path
from typing import Annotated

import typer

from cocoon.cli import options

EXIT_REFUSED = 3


def verify(
    target: Annotated[
        str,
        typer.Argument(
            help="A file, `-`, HOST:PORT of a node's RA-TLS port, or the URL of its page; with "
            "--devnet `proxy` or `worker`.",
            metavar="TARGET",
            show_default=False,
        ),
    ],
    policy: Annotated[
        Path | None,
        typer.Option("--policy", help="TOML file with a table [policy].", metavar="FILE"),
    ] = None,
    collateral: Annotated[
        list[Path] | None,
        typer.Option(
            "--collateral",
            help="Vendors' signed data: file or directory; by default ./collateral. Repeatable.",
            metavar="PATH",
        ),
    ] = None,
    image: Annotated[
        list[str] | None,
        typer.Option(
            "--image", help="The only image hash that is allowed; repeatable.", metavar="HEX"
        ),
    ] = None,
    root_file: Annotated[
        Path | None,
        typer.Option(
            "--root-file",
            help="Root configuration whose lists decide about image and model.",
            metavar="FILE",
        ),
    ] = None,
    root: Annotated[
        str | None,
        typer.Option("--root", help="The same, from a root contract.", metavar="ADDRESS"),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option("--url", help="HTTP API of --root, of the toncenter form.", metavar="URL"),
    ] = None,
    mainnet: Annotated[
        bool, typer.Option("--mainnet", help="--root is on the main network.")
    ] = False,
    role: Annotated[
        str | None,
        typer.Option("--role", help="Which of the root's lists: proxy or worker.", metavar="ROLE"),
    ] = None,
    nonce: Annotated[
        str | None,
        typer.Option(
            "--nonce",
            help="Challenge of a page, 64 hex digits; by default a new one.",
            metavar="HEX",
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            "--at", help="Judge for this time, not now: unix seconds, or ISO 8601.", metavar="TIME"
        ),
    ] = None,
    event_log: Annotated[
        list[Path] | None,
        typer.Option(
            "--event-log", help="Log that must explain the registers; repeatable.", metavar="FILE"
        ),
    ] = None,
    vcek: Annotated[
        Path | None,
        typer.Option(
            "--vcek", help="Certificate that signs a bare SEV-SNP report.", metavar="FILE"
        ),
    ] = None,
    devnet: Annotated[
        Path | None,
        typer.Option(
            "--devnet",
            help="State directory of a `cocoon up`: TARGET is one of its nodes.",
            metavar="DIR",
        ),
    ] = None,
    number: options.Number = 1,
    as_json: options.AsJson = False,
) -> None:
    """Verify a node, certificate, quote or report step by step; exit code 3 if it is refused.

    Without --policy and --devnet the vendors' production roots decide, and any image passes: the
    image is shown, not judged.
    """
    from cocoon.cli.attest.verify_run import Wishes, show, verify_target

    wishes = Wishes(
        target=target,
        policy=policy,
        collateral=tuple(collateral or ()),
        images=tuple(image or ()),
        root_file=root_file,
        root=root,
        url=url,
        is_mainnet=mainnet,
        role=role,
        nonce=nonce,
        at=at,
        event_logs=tuple(event_log or ()),
        vcek=vcek,
        devnet=devnet,
        number=number,
    )
    verdict = verify_target(wishes)
    show(verdict, as_json=as_json)
    if not verdict.verified:
        raise typer.Exit(EXIT_REFUSED)
