"""Whether this worker may serve its model: proven from its files, and listed by the network."""

import asyncio
import threading
import time
from collections.abc import Callable

import structlog

from cocoon.chain.root_config import RootConfig, model_hash
from cocoon.errors import PolicyError
from cocoon.model.verify import Verified
from cocoon.worker.settings import WorkerSettings

REPORT_PERIOD = 10.0
"""Seconds between log lines of a long proof."""

_log = structlog.get_logger(__name__)


class ModelGuard:
    """Looks after the worker's right to serve its model.

    Args:
        settings: of the worker.

    Attributes:
        proven: what the start has proven; empty while it has not, or where nothing proves it.
        listed: whether the root configuration lists the model, at the last look.
    """

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self.proven: tuple[Verified, ...] = ()
        self.listed = True

    def check_listed(self, root: RootConfig) -> None:
        """Refuse a model that the network does not list.

        Raises:
            PolicyError: it is not listed; says its hash, which the root's owner can add.
        """
        if not self.review(root):
            model = self._settings.model
            raise PolicyError(
                f"the root contract does not list model {model!r} (hash "
                f"{model_hash(model).hex()}); nobody would accept this worker"
            )

    def review(self, root: RootConfig) -> bool:
        """Look at a new root configuration; returns whether it lists the model."""
        self.listed = self._settings.lists_model(root)
        return self.listed

    async def prove(self) -> None:
        """Prove the model, before its engine starts.

        Raises:
            ConfigError: the settings name no full model, or a file cannot be read.
            EvidenceError: the files are another model.
        """
        proof, model = self._settings.proof, self._settings.model
        if proof is None:
            _log.warning("nothing proves the files of this model", model=model, model_proven=False)
            return
        _log.info("proving the files of the model", model=model)
        stop = threading.Event()
        started = time.monotonic()
        try:
            self.proven = await asyncio.to_thread(proof.prove, model, _reporter(stop))
        finally:
            stop.set()  # a cancelled proof would go on reading in its thread
        seconds = round(time.monotonic() - started, 1)
        if self._settings.on_proven is not None:
            self._settings.on_proven(model_hash(model))
        _log.info("the model is proven", model=model, model_proven=True, seconds=seconds)


class _StoppedError(Exception):
    """Nobody waits for the proof any more."""


def _reporter(stop: threading.Event) -> Callable[[int, int], None]:
    last = time.monotonic()

    def report(done: int, total: int) -> None:
        nonlocal last
        if stop.is_set():
            raise _StoppedError
        now = time.monotonic()
        if now - last >= REPORT_PERIOD:
            last = now
            _log.info("proving the files of the model", percent=100 * done // max(total, 1))

    return report
