"""What a node that moves real money must not be told: simulated trust, or a fixed root.

A production network has ``is_test = false``. On a devnet and on test networks everything here is
allowed, because nothing is at stake.
"""

from collections.abc import Iterator

from cocoon.cli.config import tables
from cocoon.errors import ConfigError

SIMULATED = ("tdx-simulated", "fake-tdx")
WEAK = (*SIMULATED, "unsafe-accept-anything")


def check_production(file: tables.RoleFile) -> None:
    """Refuse what proves nothing, where TON is real and the network is no test network.

    Raises:
        ConfigError: names the key.
    """
    if file.is_test or file.chain.kind == "simulated":
        return
    if file.root_config is not None:
        raise ConfigError(
            "root_config: a fixed root configuration is refused where is_test is false and TON is "
            "real: the root contract can revoke images and proxies; leave the key out"
        )
    if file.identity.kind in SIMULATED:
        raise _refused("identity", file.identity.kind)
    for where, policy, refused in _policies(file):
        if policy.kind in refused:
            raise _refused(f"{where}.policy", policy.kind)


def _policies(file: tables.RoleFile) -> Iterator[tuple[str, tables.PolicyTable, tuple[str, ...]]]:
    if isinstance(file, tables.ProxyFile):
        if file.workers.transport == "ratls":
            yield "workers", file.workers.policy, WEAK
        if file.clients.transport == "ratls":
            # Clients need no evidence, but evidence that is asked for must be real.
            yield "clients", file.clients.policy, SIMULATED
    elif file.dial.transport == "ratls":
        yield "dial", file.dial.policy, WEAK


def _refused(where: str, kind: str) -> ConfigError:
    return ConfigError(
        f"{where}: kind `{kind}` proves nothing; it is refused where is_test is false and TON is "
        "real"
    )
