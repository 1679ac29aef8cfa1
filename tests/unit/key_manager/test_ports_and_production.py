"""Who gives way at a key manager's port, what a real one is told, and when a state is new."""

import dataclasses
from pathlib import Path
from typing import cast

import pytest

from cocoon.attestation.evidence.collateral import CollateralBook
from cocoon.attestation.policy import tdx
from cocoon.errors import CocoonError, ConfigError, OverloadedError
from cocoon.key_manager.grants import Grant, inheritance
from cocoon.key_manager.manager import KeyManager
from cocoon.key_manager.ports import PeerPortHandler
from cocoon.key_manager.settings import KeyManagerSettings, PeerPort, Predecessor
from cocoon.key_manager.state import ManagerState
from cocoon.net.identity import Identity
from cocoon.net.link import Link
from cocoon.testing.network import test_root as make_root
from cocoon.tl import types as t


class _Link:
    """Remembers why it was closed."""

    def __init__(self) -> None:
        self.reason: CocoonError | None = None

    def close(self, reason: CocoonError | None = None) -> None:
        self.reason = reason


def test_the_oldest_connection_gives_way() -> None:
    handler = PeerPortHandler(cast(KeyManager, None), 2)
    links = [_Link() for _ in range(3)]
    for link in links:
        handler.on_opened(cast(Link, link))
    assert isinstance(links[0].reason, OverloadedError)
    assert [link.reason for link in links[1:]] == [None, None]
    assert handler.connections == 2
    handler.on_query(cast(Link, links[0]), 1, t.KeyManagerGetProxyPrivateKeys(0))  # no answer
    handler.on_closed(cast(Link, links[0]), links[0].reason)
    assert handler.connections == 2


def test_a_real_key_manager_takes_over_from_a_named_one_only(tmp_path: Path) -> None:
    policy = tdx(collateral=CollateralBook())
    old = Predecessor(host="127.0.0.1", port=1, policy=policy)

    def settings(predecessor: Predecessor) -> KeyManagerSettings:
        return KeyManagerSettings(
            directory=tmp_path,
            unseal=lambda: pytest.fail("not started"),
            root=make_root(),
            identity=Identity.generate(None),
            peers=PeerPort(host="127.0.0.1", port=0, policy=policy),
            predecessor=predecessor,
            is_test=False,
        )

    with pytest.raises(ConfigError, match="manager_id"):
        settings(old)
    settings(dataclasses.replace(old, manager_id=bytes(32)))


def test_a_state_that_changed_during_a_handover_has_another_generation() -> None:
    state = ManagerState(generation=7)
    given = {
        inheritance(state, Grant(bytes(32), serial), bytes(32), 1).generation for serial in (0, 1)
    }
    later = {
        inheritance(state.next(), Grant(bytes(32), serial), bytes(32), 1).generation
        for serial in (0, 1)
    }
    assert len(given) == len(later) == 1
    assert given.isdisjoint(later)
