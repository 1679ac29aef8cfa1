"""The assistant over the network: holds a user's money, streams the answer, settles what it cost.

The order is what keeps money right: the hold is on disk before anything is sent, and is settled or
released when the request has ended, whatever ended it, by a task that nobody's cancellation stops.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from typing import Any

import msgspec
import openai
import structlog

from cocoon import AsyncClient, options
from cocoon.accounting import Nano
from cocoon.errors import CocoonError, UnsupportedError
from cocoon.sdk.quote import Quote, quote_body
from cocoon.sdk.settlement import watch_costs
from cocoon.telegram.accounts import Account, Accounts, AnswerRow
from cocoon.telegram.assistant import told
from cocoon.telegram.assistant.catalog import Catalog, Offer
from cocoon.telegram.assistant.errors import network_error
from cocoon.telegram.assistant.pricing import Plan, Terms, plan, with_markup
from cocoon.telegram.assistant.running import Running
from cocoon.telegram.assistant.told import understood
from cocoon.telegram.assistant.values import Delta, Event, Facts, Finished, Model, Question
from cocoon.telegram.settings import AssistantSettings

TOLD_SECONDS = 30.0
"""For so long the cost of an answer that was given up is waited for."""
VERIFIED_SECONDS = 10.0
"""Between two verifications of the proxies; many people may ask at once."""
TRANSCRIPTION_HOLD = 100_000_000
"""NanoTON that is held for a recording, at most: nobody can say before how long the text is."""

log = structlog.get_logger("cocoon.telegram")


class NetworkAssistant:
    """Answers through a client of the network in this process, or through a gateway elsewhere.

    Args:
        ai: :class:`cocoon.AsyncClient`, or an ``openai.AsyncOpenAI`` for a Cocoon gateway. With the
            latter an answer that was stopped is charged by our own count, and nothing can be
            verified.
        accounts: who pays.
        settings: what is offered.
        markup: on what the network charges, in thousandths.
        service: names this service; keeps the users of two bots apart at workers' prompt caches.
        clock: Unix seconds.
    """

    def __init__(
        self,
        ai: openai.AsyncOpenAI,
        accounts: Accounts,
        settings: AssistantSettings,
        *,
        markup: int = 0,
        service: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._ai = ai.with_options(max_retries=0) if not isinstance(ai, AsyncClient) else ai
        self._accounts = accounts
        self._settings = settings
        self._markup = markup
        self._service = service
        self._clock = clock
        self._catalog = Catalog(ai, settings, markup, time.monotonic)
        self._settling: set[asyncio.Task[Any]] = set()
        self._verified: tuple[float, dict[str, Any]] | None = None
        self._verifying = asyncio.Lock()

    async def close(self) -> None:
        """Wait until every answer that was begun is settled; the client is the caller's."""
        while self._settling:
            await asyncio.wait(self._settling)

    async def models(self) -> tuple[Model, ...]:
        """See :class:`cocoon.telegram.assistant.api.Assistant`."""
        return tuple(offer.model for offer in await self._catalog.offers())

    async def answer(self, question: Question) -> AsyncIterator[Event]:
        """See :class:`cocoon.telegram.assistant.api.Assistant`."""
        offer = await self._catalog.find(question.model)
        request = self._chat_request(question, offer)
        account = await self._accounts.account(question.user)
        planned = await self._plan(question, offer, request, account)
        request["max_tokens"] = planned.max_tokens
        request["extra_body"] = self._extra(question, planned)
        await self._accounts.hold(question.user, question.reference, planned.hold)
        running = Running(question, offer, self._clock)
        try:
            # Not around a `yield`: what is set there is set for whoever iterates, too.
            with watch_costs() as costs:
                running.costs = costs if isinstance(self._ai, AsyncClient) else None
                with understood():
                    stream = await self._ai.chat.completions.create(stream=True, **request)
            async with aclosing(running.pieces(stream)) as pieces:
                async for piece in pieces:
                    yield Delta(piece)
            running.ended()
        except openai.APIError as error:
            running.failed()
            raise network_error(error) from error
        except CocoonError:
            running.failed()
            raise
        finally:
            facts = await self._finish(self._settle(running))
        yield Finished(facts)

    async def transcribe(self, question: Question, name: str, sound: bytes) -> str:
        """See :class:`cocoon.telegram.assistant.api.Assistant`."""
        try:
            offer = await self._catalog.find(self._settings.transcription, "transcription")
        except CocoonError as error:
            raise UnsupportedError("no worker takes recordings now") from error
        account = await self._accounts.account(question.user)
        most = min(int(account.free_left) + int(account.balance), TRANSCRIPTION_HOLD)
        hold = Nano(max(most, 1))
        await self._accounts.hold(question.user, question.reference, hold)
        running = Running(question, offer, self._clock)
        planned = Plan(hold, 0, self._coefficient(question))
        network = int(hold) * 1000 // (1000 + self._markup)
        try:
            with watch_costs() as costs:
                running.costs = costs if isinstance(self._ai, AsyncClient) else None
                with understood():
                    answer = await self._ai.audio.transcriptions.create(
                        model=offer.model.name,
                        file=(name, sound),
                        extra_body={**self._extra(question, planned), "max_cost": network},
                    )
                    running.take_whole(answer)
                    said = told.text(answer.text)
            running.ended()
        except openai.APIError as error:
            running.failed()
            raise network_error(error) from error
        except CocoonError:
            running.failed()
            raise
        finally:
            await self._finish(self._settle(running))
        return said

    async def facts(self, reference: str) -> Facts | None:
        """See :class:`cocoon.telegram.assistant.api.Assistant`."""
        return _facts(await self._accounts.facts(reference))

    async def last_facts(self, chat: str) -> Facts | None:
        """See :class:`cocoon.telegram.assistant.api.Assistant`."""
        return _facts(await self._accounts.last_facts(chat))

    async def verification(self) -> dict[str, Any] | None:
        """See :class:`cocoon.telegram.assistant.api.Assistant`."""
        if not isinstance(self._ai, AsyncClient):
            return None
        async with self._verifying:
            now = time.monotonic()
            if self._verified is None or now - self._verified[0] > VERIFIED_SECONDS:
                self._verified = (now, (await self._ai.verify()).to_dict())
            return self._verified[1]

    # --- what is asked ---

    def _chat_request(self, question: Question, offer: Offer) -> dict[str, Any]:
        if any(turn.images for turn in question.turns) and "image" not in offer.model.inputs:
            raise UnsupportedError(f"{offer.model.title} cannot look at pictures")
        messages: list[dict[str, Any]] = []
        system = question.system or self._settings.system
        if system:
            messages.append({"role": "system", "content": system})
        for turn in question.turns:
            pictures = [{"type": "image_url", "image_url": {"url": url}} for url in turn.images]
            text = [{"type": "text", "text": turn.text}] if turn.text else []
            content: Any = [*text, *pictures] if pictures else turn.text
            messages.append({"role": turn.role, "content": content})
        most = question.max_tokens or self._settings.max_tokens
        return {
            "model": offer.model.name,
            "messages": messages,
            "max_tokens": min(most, self._settings.max_tokens),
            "stream_options": {"include_usage": True},
        }

    async def _plan(
        self, question: Question, offer: Offer, request: dict[str, Any], account: Account
    ) -> Plan:
        """What the user's money buys of it."""
        coefficient = self._coefficient(question)
        asked = {name: value for name, value in request.items() if name != "stream_options"}
        asked["extra_body"] = options(max_coefficient=coefficient)
        body = quote_body("/chat/completions", asked)
        try:
            with understood():
                quoted = await self._ai.post("/quote", body=body, cast_to=Quote)
                most = Nano(told.number(quoted.max_cost_nanoton, told.MAX_COST))
                prompt = told.number(quoted.estimated_prompt_tokens, told.MAX_TOKENS)
        except openai.APIError as error:
            raise network_error(error) from error
        coefficients = offer.model.coefficients
        terms = Terms(
            max_cost=most,
            prompt_tokens=prompt,
            max_tokens=int(request["max_tokens"]),
            max_coefficient=coefficient,
            prices=offer.prices,
            cheapest=coefficients[0] if coefficients else None,
        )
        available = Nano(int(account.balance) + int(account.free_left))
        return plan(terms, available, self._markup)

    def _coefficient(self, question: Question) -> int | None:
        if question.max_coefficient is not None:
            return question.max_coefficient
        return self._settings.price_classes[self._settings.price_class]

    def _extra(self, question: Question, planned: Plan) -> dict[str, Any]:
        name = hashlib.blake2b(f"{self._service}\0{question.user}".encode(), digest_size=12)
        return options(
            max_coefficient=planned.max_coefficient,
            timeout=self._settings.timeout,
            user=f"telegram-{name.hexdigest()}",
        )

    # --- what it cost ---

    async def _finish(self, work: Coroutine[Any, Any, Facts]) -> Facts:
        """Do it to its end, even if the caller is cancelled."""
        task = asyncio.ensure_future(work)
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)
        return await asyncio.shield(task)

    async def _settle(self, running: Running) -> Facts:
        question = running.question
        used = await running.used(TOLD_SECONDS)
        charged = 0
        if used.cost == 0 and not running.has_begun:  # may be asked again
            await self._accounts.release(question.reference)
        else:
            price = with_markup(used.cost, self._markup)
            detail = {"model": running.offer.model.name, "estimate": used.is_estimate}
            charged = int((await self._accounts.settle(question.reference, price, detail)).total)
        facts = running.facts(used, charged)
        if used.cost or running.has_begun:
            await self._save(question, facts)
        return facts

    async def _save(self, question: Question, facts: Facts) -> None:
        text = msgspec.json.encode(facts).decode()
        try:
            await self._accounts.save_facts(
                question.reference, question.user, question.chat, facts.at, text
            )
        except CocoonError as error:  # the money is right; the receipt is missing
            log.warning("the facts of an answer were not kept", reason=str(error))


def _facts(row: AnswerRow | None) -> Facts | None:
    return None if row is None else msgspec.json.decode(row.facts, type=Facts)
