# ruff: noqa: PLC0415 - imported when the command runs, for a quick `cocoon --help`
"""``cocoon attest collateral``: the vendors' signed data, fetched and shown."""

from pathlib import Path
from typing import Annotated

import typer

from cocoon.cli import options

app = typer.Typer(
    help="The vendors' signed data that evidence is judged with.", no_args_is_help=True
)

Out = Annotated[Path, typer.Option("--out", help="Directory that it is kept in.", metavar="DIR")]
Simulated = Annotated[
    Path | None,
    typer.Option(
        "--simulated-tee",
        help="Trust a devnet's simulated machine, not the vendors.",
        metavar="DIR",
    ),
]


@app.command("fetch")
def fetch(
    quote: Annotated[
        list[str] | None,
        typer.Option(
            "--quote",
            help="Evidence to be judged: a file, HOST:PORT or URL of a node; repeatable.",
            metavar="TARGET",
        ),
    ] = None,
    fmspc: Annotated[
        list[str] | None,
        typer.Option(
            "--fmspc",
            help="Intel platform model, 12 hex digits, with /processor if it is no server.",
            metavar="HEX",
        ),
    ] = None,
    sgx: Annotated[
        bool, typer.Option("--sgx", help="With --fmspc: for enclaves, not trust domains.")
    ] = False,
    product: Annotated[
        list[str] | None,
        typer.Option(
            "--product",
            help="AMD processor line: Milan, Genoa or Turin, with /vlek for leased keys.",
            metavar="NAME",
        ),
    ] = None,
    gpu: Annotated[
        list[Path] | None,
        typer.Option("--gpu", help="Evidence of an NVIDIA GPU; repeatable.", metavar="FILE"),
    ] = None,
    vcek: Annotated[
        Path | None,
        typer.Option(
            "--vcek",
            help="SEV-SNP report of this machine; gets its chip's certificate as DIR/vcek.der.",
            metavar="FILE",
        ),
    ] = None,
    out: Out = Path("collateral"),
    pccs: Annotated[
        str | None,
        typer.Option("--pccs", help="Caching service to ask instead of Intel.", metavar="URL"),
    ] = None,
    pccs_certificate: Annotated[
        Path | None,
        typer.Option(
            "--pccs-certificate", help="Certificate that it signs itself, in PEM.", metavar="FILE"
        ),
    ] = None,
    kds: Annotated[
        str | None,
        typer.Option("--kds", help="Mirror to ask instead of AMD.", metavar="URL"),
    ] = None,
    api_key_file: Annotated[
        Path | None,
        typer.Option("--api-key-file", help="Key for Intel's service.", metavar="FILE"),
    ] = None,
    early: Annotated[
        bool, typer.Option("--early", help="Intel's newest TCB evaluation, not the standard one.")
    ] = False,
    simulated_tee: Simulated = None,
    as_json: options.AsJson = False,
) -> None:
    """Fetch what evidence is judged with, and keep it in a directory.

    Without a choice, everything that the directory holds is fetched anew. A quote is also verified
    with what was fetched; see `cocoon attest verify` for a whole verdict.
    """
    from cocoon.cli.attest.collateral_run import Choice, run_fetch
    from cocoon.cli.attest.targets import load
    from cocoon.cli.config.collateral_table import KDS, PCS, CollateralTable

    table = CollateralTable(
        directory=out,
        intel=pccs or PCS,
        intel_certificate=pccs_certificate,
        intel_key_file=api_key_file,
        intel_update="early" if early else "standard",
        amd=kds or KDS,
    )
    choice = Choice(
        targets=tuple(quote or ()),
        platforms=tuple(fmspc or ()),
        is_sgx=sgx,
        products=tuple(product or ()),
        gpus=tuple(gpu or ()),
        vcek=None if vcek is None else load(str(vcek)).data,
    )
    run_fetch(table, choice, simulated_tee, as_json=as_json)


@app.command("show")
def show(out: Out = Path("collateral"), as_json: options.AsJson = False) -> None:
    """List what a directory holds: for which platform, since when, and how long it counts."""
    from cocoon.cli.attest.collateral_run import run_show

    run_show(out, as_json=as_json)
