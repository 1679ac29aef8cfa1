# ruff: noqa: PLC0415 - imported when the command runs, for a quick `cocoon --help`
"""``cocoon seal``: get a sealed key in a guest, or run a software enclave for a devnet."""

from pathlib import Path
from typing import Annotated

import typer

OFFICIAL_ENDPOINT = "vsock:2:12345"

app = typer.Typer(help="Keys that one image on one machine can get again.", no_args_is_help=True)

At = Annotated[
    str,
    typer.Option("--at", help="`vsock:CID:PORT`, `unix:/path` or `tcp:127.0.0.1:PORT`."),
]


@app.command("key")
def key(
    name: Annotated[
        str, typer.Argument(help="Name of the key: `app`, `disk_encryption`, …", metavar="NAME")
    ],
    out: Annotated[Path, typer.Option("--out", help="File for the 32 bytes.", metavar="FILE")],
    mr_enclave: Annotated[
        list[str], typer.Option("--mr-enclave", help="Allowed enclave, in hex; repeat for more.")
    ],
    collateral: Annotated[
        list[Path],
        typer.Option("--collateral", help="Intel's collateral for SGX; repeat for more."),
    ],
    at: At = OFFICIAL_ENDPOINT,
) -> None:
    """Get this guest's key of a name from the seal service and write its 32 bytes to a new file.

    Like the official `seal-client`, but a DEBUG enclave is refused.
    """
    from cocoon.cli.config.seal_table import SealTable
    from cocoon.cli.config.sealing import unsealer, write_new_key
    from cocoon.cli.config.tables import IdentityTable
    from cocoon.cli.key_manager.approvals import hash_of

    table = SealTable(
        at=at,
        mr_enclaves=tuple(hash_of("MRENCLAVE", item) for item in mr_enclave),
        collateral=tuple(collateral),
    )
    write_new_key(out, unsealer(table, IdentityTable(), name)())
    typer.echo(f"{out}: 32 secret bytes, readable by you only")


@app.command("serve")
def serve(
    directory: Annotated[
        Path,
        typer.Argument(help="Directory of the simulated machine; made if missing.", metavar="DIR"),
    ],
    at: At,
) -> None:
    """Run a SIMULATED enclave for a devnet. Whoever can read DIR knows every key it gives."""
    import asyncio
    import time

    from cocoon.cli import foreground
    from cocoon.devnet.seal import SoftwareEnclave
    from cocoon.devnet.tee import SimulatedTee
    from cocoon.sealing.endpoint import SealEndpoint
    from cocoon.sealing.server import SealServer

    enclave = SoftwareEnclave(SimulatedTee(directory, int(time.time())))

    async def run() -> None:
        server = SealServer(enclave, SealEndpoint.parse(at))
        await server.start()
        typer.echo(f"SIMULATED seal enclave {enclave.mr_enclave.hex()} at {server.endpoint}")
        try:
            await asyncio.Event().wait()
        finally:
            await server.close()

    foreground.run(run())
