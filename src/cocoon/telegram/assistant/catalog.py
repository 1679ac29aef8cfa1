"""What is served now, from ``GET /v1/models`` of any of our gateways (docs/reference/http-api.md).

A gateway of somebody else may leave out what is Cocoon's own; then a model counts as a chat model
without a known price.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
import openai

from cocoon.accounting import Nano
from cocoon.errors import UnknownModelError, UpstreamError
from cocoon.telegram.assistant.errors import network_error
from cocoon.telegram.assistant.pricing import with_markup
from cocoon.telegram.assistant.told import MAX_PRICE, name, number, understood
from cocoon.telegram.assistant.values import Model
from cocoon.telegram.settings import AssistantSettings
from cocoon.wire import features

FRESH_SECONDS = 10.0
MAX_MODELS = 500
_ENDPOINTS = {
    "chat": features.CHAT,
    "transcription": features.TRANSCRIPTIONS,
    "embeddings": features.EMBEDDINGS,
}


class _Words(msgspec.Struct):
    any_worker: list[str] = []


class _Capacity(msgspec.Struct):
    workers: int = 0
    free_workers: int = 0


class _Extension(msgspec.Struct):
    context_length: int = 0
    input_modalities: list[str] = []
    features: _Words = msgspec.field(default_factory=_Words)
    nanoton_per_million_tokens: dict[str, int] | None = None
    capacity: _Capacity = msgspec.field(default_factory=_Capacity)


class _Worker(msgspec.Struct):
    coefficient: int = 0
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """A model with what its users need not see.

    Attributes:
        model: for people.
        prices: nanoTON that the network takes for a million tokens, by class (``prompt``,
            ``completion`` …), at the cheapest worker; None where nobody says.
    """

    model: Model
    prices: dict[str, int] | None


class Catalog:
    """Asks for the list, and keeps it for a few seconds.

    Args:
        ai: where to ask.
        settings: what is offered.
        markup: on every price, in thousandths.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        ai: openai.AsyncOpenAI,
        settings: AssistantSettings,
        markup: int,
        clock: Callable[[], float],
    ) -> None:
        self._ai = ai
        self._settings = settings
        self._markup = markup
        self._clock = clock
        self._offers: tuple[Offer, ...] = ()
        self._until = float("-inf")

    async def offers(self) -> tuple[Offer, ...]:
        """All that is offered, the default chat model first.

        Raises:
            UnavailableError: nobody answers, or others that say why.
        """
        if self._clock() < self._until:
            return self._offers
        try:
            with understood():
                page = await self._ai.models.list()
                found = [self._offer(item) for item in page.data[:MAX_MODELS] if name(item.id)]
        except openai.APIError as error:
            raise network_error(error) from error
        wanted = self._settings.models
        kept = [one for one in found if not wanted or one.model.name in wanted]
        kept.sort(key=lambda one: self._rank(one.model))
        self._offers = tuple(kept)
        self._until = self._clock() + FRESH_SECONDS
        return self._offers

    async def find(self, name: str, endpoint: str = "chat") -> Offer:
        """The model of a name, or the default one for an empty name.

        Raises:
            UnknownModelError: it is not served, or not offered here. Others as :meth:`offers`.
        """
        able = [one for one in await self.offers() if endpoint in one.model.endpoints]
        for one in able:
            if name in ("", one.model.name):
                return one
        raise UnknownModelError("nobody serves this model now")

    def _rank(self, model: Model) -> tuple[bool, bool, bool, str]:
        """Chat models first, of them the default one, then those with workers."""
        default = model.name != self._settings.model
        return ("chat" not in model.endpoints, default, not model.workers, model.name)

    def _offer(self, item: Any) -> Offer:
        extra = item.model_extra or {}
        try:
            told = msgspec.convert(extra.get("cocoon") or {}, _Extension)
            workers = msgspec.convert(extra.get("workers") or [], list[_Worker])
        except msgspec.ValidationError:
            raise UpstreamError("the list of models makes no sense") from None
        prices = told.nanoton_per_million_tokens
        shown = None
        if prices is not None:
            for price in prices.values():
                number(price, MAX_PRICE)
            shown = with_markup(Nano(number(prices.get("completion"), MAX_PRICE)), self._markup)
        model = Model(
            name=item.id,
            title=self._settings.titles.get(item.id) or item.id.partition("@")[0],
            inputs=frozenset(["text", *told.input_modalities]),
            endpoints=_endpoints(told.features.any_worker),
            context=max(told.context_length, 0),
            price=shown,
            coefficients=tuple(sorted(worker.coefficient for worker in workers)),
            workers=max(told.capacity.workers, len(workers)),
            free_workers=told.capacity.free_workers,
            evidence=frozenset(worker.evidence for worker in workers if worker.evidence),
        )
        return Offer(model, prices)


def _endpoints(words: Iterable[str]) -> frozenset[str]:
    """What a model is for; one that does not say is taken for a chat model, as official ones."""
    have = set(words) or {features.CHAT}
    return frozenset(name for name, word in _ENDPOINTS.items() if word in have)
