"""What a node that moves real money must not be told: simulated trust, or a fixed root.

A production network has ``is_test = false``. On a devnet and on test networks everything here is
allowed, because nothing is at stake.
"""

from collections.abc import Iterator
from urllib.parse import urlsplit

from cocoon.cli.config import tables
from cocoon.cli.config.policy_table import SIMULATED_KINDS, PolicyTable
from cocoon.errors import ConfigError
from cocoon.model.name import is_pinned
from cocoon.net.page_guard import is_loopback

SIMULATED = (*SIMULATED_KINDS, "fake-tdx")
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
    check_protected_chain(file)
    if file.identity.kind in SIMULATED:
        raise _refused("identity", file.identity.kind)
    for where, policy, refused in policies_of(file):
        check_production_policy(policy, f"{where}.policy", refused)
    if isinstance(file, tables.WorkerFile):
        _check_model(file)
    if isinstance(file, tables.ProxyFile) and file.keys.seal.kind == "simulated":
        raise _refused("keys.seal", "simulated")


def check_protected_chain(file: tables.NetworkFile) -> None:
    """Refuse a TON API whose answers anybody on the way can replace: they list images and proxies.

    Raises:
        ConfigError: its URL is not protected.
    """
    url = file.chain.url
    if url is None or url.startswith("https://"):
        return
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        host = ""
    if not is_loopback(host):
        raise ConfigError(
            "chain.url: use https where is_test is false: whoever is on the way to the TON API "
            "could list images of its own; http only reaches this machine"
        )


def check_production_policy(
    policy: PolicyTable, where: str = "policy", refused: tuple[str, ...] = WEAK
) -> None:
    """Refuse a policy in which anything simulated, at whatever depth, would be accepted.

    Args:
        policy: the table.
        where: its place in the file.
        refused: kinds that must not occur.

    Raises:
        ConfigError: names the place.
    """
    for place, leaf in policy.leaves(where):
        if leaf.kind in refused:
            raise _refused(place, leaf.kind)
        if leaf.gpu is not None and leaf.gpu.directory is not None:
            raise ConfigError(
                f"{place}.gpu: `directory` names simulated GPUs, which prove nothing; they are "
                "refused where is_test is false and TON is real"
            )


def _check_model(file: tables.WorkerFile) -> None:
    table = file.model_proof
    proven = is_pinned(file.model) if file.engine.kind == "llama" else table.has_files
    if not proven and not table.allow_unproven:
        raise ConfigError(
            "model_proof: nothing proves that the engine's files are `model`; this is refused "
            "where is_test is false and TON is real: name the full `base@commit:hash` and give "
            "`archive` or `directory` (see `cocoon model build`), or set `allow_unproven` where "
            "something else proves it"
        )


def policies_of(file: tables.RoleFile) -> Iterator[tuple[str, PolicyTable, tuple[str, ...]]]:
    """Each policy that a file uses: where it stands, the policy, kinds refused in production."""
    if isinstance(file, tables.ProxyFile):
        if file.keys.source == "manager":
            yield "keys", file.keys.policy, WEAK
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
