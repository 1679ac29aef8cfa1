"""Who has to give way at a key manager's port, and what a real one must be told."""

import dataclasses
from pathlib import Path
from typing import cast

import pytest

from cocoon.attestation.evidence.collateral import CollateralBook
from cocoon.attestation.policy import tdx
from cocoon.errors import CocoonError, ConfigError, OverloadedError
from cocoon.key_manager.manager import KeyManager
from cocoon.key_manager.ports import PeerPortHandler
from cocoon.key_manager.settings import KeyManagerSettings, PeerPort, Predecessor
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
