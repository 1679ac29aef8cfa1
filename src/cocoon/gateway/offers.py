"""What the workers of a model offer together: features, prices, room."""

from collections.abc import Iterable, Sequence
from typing import Final

from cocoon.accounting import PriceList
from cocoon.accounting.price import adjust
from cocoon.client.api import WorkerInfo
from cocoon.errors import PaymentError
from cocoon.wire import features

MILLION: Final = 1_000_000
_CLASSES: Final = ("prompt", "cached", "completion", "reasoning")

_INPUTS: Final = (
    ("image", {features.IMAGE_INPUT}),
    ("audio", {features.AUDIO_INPUT, features.TRANSCRIPTIONS, features.TRANSLATIONS}),
    ("file", {features.FILE_INPUT}),
)
_OUTPUTS: Final = (
    (
        "text",
        {features.CHAT, features.COMPLETIONS, features.TRANSCRIPTIONS, features.TRANSLATIONS},
    ),
    ("embeddings", {features.EMBEDDINGS}),
    ("scores", {features.RERANK, features.MODERATIONS}),
    ("image", {features.IMAGES}),
    ("audio", {features.SPEECH}),
)


def features_of(worker: WorkerInfo) -> frozenset[str]:
    """What a worker can do; one that does not say is taken for an official one."""
    return frozenset(worker.features) if worker.features else features.OFFICIAL


def common_features(workers: Iterable[WorkerInfo]) -> tuple[list[str], list[str]]:
    """Words that every worker tells of itself, and words that any of them tells; sorted."""
    told = [set(worker.features) for worker in workers]
    if not told:
        return [], []
    return sorted(set.intersection(*told)), sorted(set.union(*told))


def modalities(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Kinds of input and of output that go with features; empty where nothing is told."""
    if not words:
        return [], []
    have = set(words)
    inputs = [name for name, needed in _INPUTS if needed & have]
    outputs = [name for name, needed in _OUTPUTS if needed & have]
    return ["text", *inputs], outputs


def price_per_million(prices: PriceList, coefficient: int) -> dict[str, int] | None:
    """NanoTON for a million tokens of each class; None when the coefficient makes no sense."""
    try:
        return {
            name: int(prices.cost(adjust(MILLION, coefficient, multiplier)))
            for name, multiplier in zip(_CLASSES, prices.multipliers, strict=True)
        }
    except PaymentError:
        return None


def is_free(worker: WorkerInfo) -> bool:
    """Whether it has room; one whose capacity nobody tells (0) may have."""
    return worker.max_running_requests == 0 or (
        worker.running_requests < worker.max_running_requests
    )
