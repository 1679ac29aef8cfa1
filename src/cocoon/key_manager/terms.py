"""What a key manager must be configured with, bound to its secret. Pure.

The host hands a guest its configuration. Where an image does not measure all of it, a host could
name a root contract of its own, or owners of its own, to the right image. So the network and the
rules of handovers are part of the encrypted state: other ones are refused, and change only with a
handover whose approval names them.
"""

import hashlib
from typing import Final

import msgspec

from cocoon.chain.address import Address
from cocoon.errors import ConfigError
from cocoon.key_manager.approval import ApprovalRules
from cocoon.key_manager.state import ManagerState

_DOMAIN: Final = b"cocoon-key-manager-terms-v1\0"


def terms_hash(root: Address, is_test: bool, rules: ApprovalRules) -> bytes:
    """The terms as 32 bytes: SHA-256 over a label and a JSON array.

    Args:
        root: the root contract.
        is_test: kind of the network.
        rules: whose word lets an image take over.
    """
    terms = [
        root.raw(),
        is_test,
        sorted(owner.hex() for owner in rules.owners),
        rules.threshold,
        rules.time_lock,
        rules.root_list,
    ]
    return hashlib.sha256(_DOMAIN + msgspec.json.encode(terms)).digest()


def check_terms(state: ManagerState, terms: bytes) -> None:
    """Refuse a configuration that this state was not made for.

    Raises:
        ConfigError: root contract, kind of network or rules of handovers differ.
    """
    if state.terms != terms:
        raise ConfigError(
            "root contract, is_test or [handover] differ from what this key manager was made with: "
            "put them back; owners can change them with a handover whose approval names the terms "
            f"{terms.hex()}"
        )
