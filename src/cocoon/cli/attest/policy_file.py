"""A policy in a file of its own, or inside the configuration of a node."""

import tomllib
from dataclasses import replace
from pathlib import Path

from cocoon.attestation import policy as policies
from cocoon.attestation.policy import AllOf, AnyOf, PeerPolicy, Policy
from cocoon.cli.config.load import load_any, read_text
from cocoon.cli.config.policy_table import PolicyTable
from cocoon.cli.config.production import policies_of
from cocoon.cli.config.reader import Context, read
from cocoon.errors import ConfigError

_POLICY = "policy"


def read_policies(path: Path) -> list[tuple[str, PolicyTable]]:
    """Every policy of a file with its place: of a file with the table ``[policy]``, or of a node's.

    Raises:
        ConfigError: the file cannot be read, or something in it is wrong.
    """
    document = _document(path)
    if _POLICY not in document:
        return [(f"{where}.policy", table) for where, table, _ in policies_of(load_any(path))]
    for name in document:
        if name != _POLICY:
            raise ConfigError(f"{path}: {name}: no such key beside the table `policy`")
    context = Context(path.parent, str(path)).inner(_POLICY)
    return [(_POLICY, read(PolicyTable, document[_POLICY], context))]


def read_policy(path: Path) -> PolicyTable:
    """The one policy of a file with the table ``[policy]``.

    Raises:
        ConfigError: as for :func:`read_policies`; or the file has another number of them.
    """
    found = read_policies(path)
    if len(found) != 1:
        places = ", ".join(where for where, _ in found)
        raise ConfigError(f"{path} has {len(found)} policies ({places}); a file with one is needed")
    return found[0][1]


def states(path: Path, key: str) -> bool:
    """Whether the table ``[policy]`` of a file writes this key down."""
    table = _document(path).get(_POLICY)
    return isinstance(table, dict) and key in table


def pin_images(policy: PeerPolicy, hashes: frozenset[bytes]) -> PeerPolicy:
    """The same policy, for these images only.

    Raises:
        ConfigError: no evidence of this kind has an image.
    """
    match policy:
        case Policy():
            allowed = hashes if policy.image_hashes is None else hashes & policy.image_hashes
            return replace(policy, image_hashes=allowed)
        case AnyOf():
            return policies.any_of(policy.name, *(pin_images(p, hashes) for p in policy.parts))
        case AllOf():
            return policies.all_of(policy.name, *(pin_images(p, hashes) for p in policy.parts))


def _document(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(read_text(path, "policy file"))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
