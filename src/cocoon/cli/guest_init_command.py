# ruff: noqa: PLC0415 - imported when the command runs, for a quick `cocoon --help`
"""``cocoon guest-init``: the first thing that runs in a guest image of ours."""

from enum import Enum
from typing import Annotated

import typer


class GuestRole(Enum):
    """What an image is for."""

    PROXY = "proxy"
    WORKER = "worker"


def guest_init(
    role: Annotated[GuestRole, typer.Option(help="Which role the image is for.")],
) -> None:
    """Do the measured first steps of a guest image: for its service manager, not for people.

    Measures the configuration that the host gives, verifies the GPUs, derives the sealed keys, and
    only then reads the host's variables. Runs once a boot. Exits with an error, and starts nothing,
    if anything is not as it must be.
    """
    from cocoon.cli.guest.machine import initialise
    from cocoon.tee.runtime_config import Role

    initialise(Role(role.value))
