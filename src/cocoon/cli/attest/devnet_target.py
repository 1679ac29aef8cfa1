"""Nodes of a devnet of this machine: where their pages are, and by what their peers judge them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from cocoon.cli.attest.chain_root import read_chain_root
from cocoon.cli.attest.judging import Basis, from_table, read_root
from cocoon.cli.config.load import load_any
from cocoon.cli.config.policy_table import PolicyTable
from cocoon.cli.config.tables import ClientFile, ProxyFile
from cocoon.collateral.books import Books
from cocoon.devnet.plan import CONFIG_FILE
from cocoon.devnet.root_file import ROOT_CONFIG_FILE
from cocoon.devnet.state import find_running
from cocoon.errors import ConfigError

ROLES = ("proxy", "worker")


def devnet_target(state: Path, role: str, number: int) -> tuple[str, Basis]:
    """URL of a node's page, and the policy by which the devnet's own nodes judge it.

    Args:
        state: the devnet's directory.
        role: ``proxy`` or ``worker``.
        number: which of them, from 1.

    Raises:
        ConfigError: no network runs there, or it has no such node.
        ChainError: its chain cannot be read.
    """
    if role not in ROLES:
        raise ConfigError(f"--devnet verifies a {' or a '.join(ROLES)}, not {role!r}")
    running = find_running(state)
    if running is None:
        raise ConfigError(f"no network runs in {state}: start one with `cocoon up`")
    urls = running.proxies if role == "proxy" else running.workers
    if not 1 <= number <= len(urls):
        raise ConfigError(f"the network in {state} has {len(urls)} of role {role}, not {number}")
    table = _judge_of(state, role)
    policy = from_table(table, Books())
    root = state / ROOT_CONFIG_FILE
    basis = Basis(
        name="the policy of this devnet",
        target=f"{role} {number} of the devnet in {state}",
        books=Books(),
        policy=policy,
        root=read_root(root) if root.exists() else read_chain_root(state=state),
        role=role,
    )
    return urls[number - 1], basis


def _judge_of(state: Path, role: str) -> PolicyTable:
    """The policy in the configuration of those who connect to it, or to whom it connects."""
    wanted: type[Any] = ClientFile if role == "proxy" else ProxyFile
    read: Callable[[Any], PolicyTable] = (
        (lambda file: file.dial.policy) if role == "proxy" else (lambda file: file.workers.policy)
    )
    for path in sorted(state.glob(f"*/{CONFIG_FILE}")):
        file = load_any(path)
        if isinstance(file, wanted):
            return read(file)
    raise ConfigError(f"{state} holds no configuration that says how a {role} is judged")
