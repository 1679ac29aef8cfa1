"""The key manager's queries."""

import pytest

from cocoon import tl
from cocoon.errors import RemoteProtocolError
from cocoon.tl import types as t
from cocoon.wire.key_manager import (
    KeyKind,
    KeyManagerPeerSession,
    KeyManagerSession,
    KeyRequest,
    ManagedKey,
)
from cocoon.wire.negotiation import RefusedError

KEYS = (ManagedKey(b"k" * 32, 2_000_000_000), ManagedKey(b"l" * 32, 1))


@pytest.mark.parametrize(
    ("kind", "data"),
    [(KeyKind.WORKER, "f5ef262a07000000"), (KeyKind.PROXY, "dec2a94707000000")],
)
def test_keys_are_handed_out(kind, data):
    asker, manager = KeyManagerSession(), KeyManagerPeerSession()
    query = asker.get_keys(kind, 7)
    assert query.to_bytes().hex() == data
    request = manager.receive_query(tl.decode(query.to_bytes()))
    assert request == KeyRequest(kind, 7)
    answer = manager.answer(request, KEYS, allowed=True, active_config_version=7)
    assert asker.receive_keys(tl.decode_result(query, answer.to_bytes())) == KEYS


def test_refusals():
    manager = KeyManagerPeerSession()
    request = KeyRequest(KeyKind.PROXY, 7)
    with pytest.raises(RefusedError, match="unknown proxy hash") as caught:
        manager.answer(request, KEYS, allowed=False, active_config_version=7)
    assert caught.value.code == 602
    with pytest.raises(RefusedError, match="older"):
        manager.answer(request, KEYS, allowed=True, active_config_version=6)
    assert manager.receive_query(t.ClientUpdatePaymentStatus()) is None


def test_wrong_answers_and_silence_about_keys():
    with pytest.raises(RemoteProtocolError):
        KeyManagerSession().receive_keys(t.TcpPing(1))
    assert "kkk" not in repr(KEYS[0])
