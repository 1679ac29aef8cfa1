# ruff: noqa: PLC0415 - imported when the command runs, for a quick `cocoon --help`
"""``cocoon attest endorse``: an operator answers for one machine."""

from pathlib import Path
from typing import Annotated

import typer

DAY = 86_400
DEFAULT_DAYS = 365
MAX_DAYS = 3650


def endorse(
    platform: Annotated[
        str,
        typer.Argument(
            help="The machine's platform id, 64 hex digits; `cocoon attest verify` shows it.",
            metavar="PLATFORM_ID",
        ),
    ],
    key: Annotated[
        Path,
        typer.Option("--key", help="The operator's key file; made if it is not there."),
    ],
    out: Annotated[Path, typer.Option("--out", help="Where the endorsement is written.")],
    days: Annotated[
        int, typer.Option("--days", help="How long it counts.", min=1, max=MAX_DAYS)
    ] = DEFAULT_DAYS,
) -> None:
    """Sign, as an operator, that this machine is yours and stands where you say.

    Do it once, away from the machine; the node shows the file with its evidence, and policies that
    list your public key accept it. The machine proves by itself that it is the one you signed.
    """
    import time

    from cocoon.attestation.endorsement import Endorsement
    from cocoon.chain.keys import SecretKey
    from cocoon.errors import ConfigError

    try:
        platform_id = bytes.fromhex(platform)
    except ValueError:
        platform_id = b""
    if len(platform_id) != 32:
        raise ConfigError("a platform id is 64 hex digits")
    secret = SecretKey.load_or_create(key)
    now = int(time.time())
    endorsement = Endorsement.sign(
        secret.public_key, secret.sign, platform_id, now, now + days * DAY
    )
    try:
        out.write_bytes(endorsement.to_bytes())
    except OSError as error:
        raise ConfigError(f"cannot write {out}: {error.strerror}") from None
    typer.echo(f"operator     {endorsement.operator.hex()}")
    typer.echo(f"platform id  {platform}")
    typer.echo(f"counts for   {days} days; written to {out}")
