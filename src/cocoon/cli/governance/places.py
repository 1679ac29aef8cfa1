"""Which root a command is about, and whose key it is used with."""

import json
from pathlib import Path

from cocoon.chain.address import Address
from cocoon.cli.config.load import load_any
from cocoon.cli.money.wallets import parse_address
from cocoon.devnet.options import default_state
from cocoon.devnet.root_data import ROOT_CONTRACT_FILE
from cocoon.errors import ConfigError


def find_root(root: str | None, state: Path | None, config: Path | None) -> Address:
    """The root contract's address.

    Args:
        root: as it was given; wins.
        state: directory of a devnet; None is the default one.
        config: configuration of a node.

    Raises:
        ConfigError: it cannot be found.
    """
    if root is not None:
        return parse_address(root, "--root")
    if config is not None:
        named = load_any(config).root_contract
        if named is None:
            raise ConfigError(f"{config} names no root contract: give --root ADDRESS")
        return Address.parse(named)
    path = (state or default_state()) / ROOT_CONTRACT_FILE
    try:
        return Address.parse(str(json.loads(path.read_text())["address"]))
    except (OSError, ValueError, LookupError, TypeError):
        raise ConfigError(f"there is no {path}: give --root ADDRESS") from None


def find_key(key: Path | None, state: Path | None, config: Path | None, url: str | None) -> Path:
    """The key to decide with: the given one, or a devnet's deployer's.

    Raises:
        ConfigError: none was given, and this is no devnet.
    """
    if key is not None:
        return key
    if config is not None or url is not None:
        raise ConfigError("give your key file with --key")
    return (state or default_state()) / "deployer" / "owner.key"
