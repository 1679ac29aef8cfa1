"""What a worker does about its model before and while it serves it."""

import asyncio
import threading
from dataclasses import replace
from typing import Any

import pytest

from cocoon.chain.address import Address
from cocoon.chain.root_config import RootConfig, model_hash
from cocoon.engine.openai_http import OpenAIHttpEngine
from cocoon.errors import EvidenceError, PolicyError
from cocoon.model.build import Progress
from cocoon.model.name import ModelName
from cocoon.model.verify import Form, Verified
from cocoon.net.dialing import SocksDial
from cocoon.testing.network import test_root as root_config
from cocoon.worker.model_guard import ModelGuard
from cocoon.worker.settings import WorkerSettings

pytestmark = pytest.mark.anyio

NAME = ModelName("some/model", "c0ffee", bytes(range(32)))
OWNER = Address(bytes(32)).friendly(testnet=True)


class Proof:
    """Proves everything, or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.asked = ""

    def prove(self, model: str, progress: Progress) -> tuple[Verified, ...]:
        """See ModelProof."""
        self.asked = model
        progress(1, 2)
        if self.error is not None:
            raise self.error
        return (Verified(NAME, Form.DIRECTORY, 2),)


def listing(*models: str) -> RootConfig:
    return replace(root_config(), model_hashes=frozenset(map(model_hash, models)))


def guard(model: str = str(NAME), **changes: Any) -> ModelGuard:
    settings: dict[str, Any] = {
        "owner": OWNER,
        "model": model,
        "root": root_config(),
        "engine": OpenAIHttpEngine("http://127.0.0.1:1"),
        "dial": SocksDial(),
        "check_proxy_hashes": True,
        **changes,
    }
    return ModelGuard(WorkerSettings(**settings))


async def test_the_model_is_proven() -> None:
    proof = Proof()
    guarded = guard(proof=proof)
    assert not guarded.proven
    await guarded.prove()
    assert proof.asked == str(NAME)
    assert [one.form for one in guarded.proven] == [Form.DIRECTORY]


async def test_without_a_proof_nothing_is_proven() -> None:
    guarded = guard()
    await guarded.prove()
    assert not guarded.proven


async def test_what_a_proof_raises_ends_the_start() -> None:
    guarded = guard(proof=Proof(EvidenceError("altered")))
    with pytest.raises(EvidenceError, match="altered"):
        await guarded.prove()
    assert not guarded.proven


async def test_a_cancelled_proof_stops_reading() -> None:
    began, ended = threading.Event(), threading.Event()

    class Endless(Proof):
        def prove(self, model: str, progress: Progress) -> tuple[Verified, ...]:
            began.set()
            try:
                while True:
                    progress(1, 2)
            finally:
                ended.set()

    task = asyncio.create_task(guard(proof=Endless()).prove())
    await asyncio.to_thread(began.wait, 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(ended.wait, 5)


async def test_a_long_proof_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cocoon.worker.model_guard.REPORT_PERIOD", 0.0)
    await guard(proof=Proof()).prove()


def test_an_unlisted_model_is_refused() -> None:
    guarded = guard()
    with pytest.raises(PolicyError, match=NAME.hash.hex()):
        guarded.check_listed(listing("some/model@other:" + "0" * 64))
    assert not guarded.listed
    guarded.check_listed(listing(str(NAME)))
    assert guarded.listed


def test_base_names_count_only_without_ton() -> None:
    """The official simulated configuration may list base names (attestation.md §9)."""
    assert guard().review(listing("some/model"))
    assert not guard().review(listing("some"))


def test_who_does_not_check_hashes_checks_none() -> None:
    assert guard(check_proxy_hashes=False).review(listing())
    settings: dict[str, Any] = {"check_proxy_hashes": False, "is_test": False}
    assert not guard(**settings).review(listing())
