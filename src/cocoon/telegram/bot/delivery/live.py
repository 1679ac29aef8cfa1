"""An answer while it is written: as a draft where Telegram has them, else as an edited message."""

import asyncio
import logging
from collections.abc import Callable
from secrets import randbelow

from aiogram.methods import SendChatAction
from aiogram.types import InlineKeyboardMarkup

from cocoon.telegram.bot.delivery import calls
from cocoon.telegram.bot.delivery.calls import Answer, Outcome
from cocoon.telegram.bot.delivery.entities import Rendered
from cocoon.telegram.bot.delivery.marks import closed
from cocoon.telegram.bot.delivery.pacer import Turn
from cocoon.telegram.bot.delivery.pages import Page, Place, broken_off, clipped, next_page, pages
from cocoon.telegram.bot.delivery.sending import FIRST_PAUSE, LONGEST_PAUSE, Post
from cocoon.telegram.bot.delivery.values import Rank

log = logging.getLogger(__name__)

RENEW_AFTER = 20.0
"""Seconds after which a draft is shown once more; Telegram takes it away after 30."""
FORGOTTEN = 900.0
"""Seconds without news after which nobody is believed to write the answer any more."""
_MAX_DRAFT = 2**31 - 1

NoDrafts = Callable[[Answer], None]
"""Told that Telegram refused a draft."""


class Live:
    """See :class:`cocoon.telegram.bot.delivery.stream.LiveMessage`.

    Args:
        post: where it goes.
        stop: buttons below it while it is edited.
        drafts: whether to begin with drafts.
        running: holds this one while it is being shown.
        is_crowded: says whether drafts would die before they are renewed: a message stays.
        no_drafts: told when Telegram refuses a draft.
    """

    def __init__(
        self,
        post: Post,
        *,
        stop: InlineKeyboardMarkup | None,
        drafts: bool,
        running: set["Live"] | None = None,
        is_crowded: Callable[[], bool] = lambda: False,
        no_drafts: NoDrafts = lambda _: None,
    ) -> None:
        self._post = post
        self._stop = stop
        self._drafts = drafts
        self._running = set() if running is None else running
        self._is_crowded = is_crowded
        self._no_drafts = no_drafts
        self.draft_id = 1 + randbelow(_MAX_DRAFT)
        self._text = ""
        self._place = Place()
        self._settled = ""
        self._shown: Rendered | None = None
        self._shown_at = 0.0
        self._updated_at = 0.0
        self._has_words = False
        self._is_plain = False
        self._is_quiet = False
        self._is_calling = False
        self._is_closed = False
        self._pause = 0.0
        self._news = asyncio.Event()
        self._turn: Turn | None = None
        self._runner: asyncio.Task[None] | None = None
        self._ended: asyncio.Task[list[int]] | None = None

    @property
    def is_gone(self) -> bool:
        """See the protocol."""
        return self._post.is_gone

    @property
    def message_ids(self) -> list[int]:
        """See the protocol."""
        return list(self._post.ids)

    async def update(self, text: str) -> None:
        """See the protocol."""
        if self._is_closed or self.is_gone:
            return
        self._text, self._updated_at = text, asyncio.get_running_loop().time()
        self._news.set()
        if self._runner is None:
            self._runner = asyncio.create_task(self._run(), name="live message")
            self._runner.add_done_callback(self._stopped)
            self._running.add(self)
        elif self._turn is not None and text and not self._has_words:
            self._turn.withdraw_from(Rank.UPDATE)  # it has words now and may go before others

    async def finish(
        self, text: str, reply_markup: InlineKeyboardMarkup | None = None
    ) -> list[int]:
        """See the protocol."""
        if self._ended is None:
            self._ended = asyncio.create_task(self._finish(text, reply_markup), name="last words")
        return list(await asyncio.shield(self._ended))

    async def fail(self, text: str, reply_markup: InlineKeyboardMarkup | None = None) -> list[int]:
        """See the protocol."""
        return await self.finish(broken_off(self._text, self._place, text), reply_markup)

    async def drop(self) -> None:
        """See the protocol."""
        self._is_closed = True
        runner = self._runner
        if runner is None or runner.done():
            return
        if not self._is_calling:
            runner.cancel()
        await asyncio.wait([runner])

    def _stopped(self, task: "asyncio.Task[None]") -> None:
        """A failure of ours stops what is shown, not the answer; it is told without content."""
        self._running.discard(self)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("showing an answer failed: %s", type(error).__name__)

    async def _run(self) -> None:
        """Show what is new, as often as the limits allow."""
        loop = asyncio.get_running_loop()
        while not (self._is_closed or self._is_quiet or self.is_gone):
            if self._pause:
                await asyncio.sleep(self._pause)
            until = self._updated_at + FORGOTTEN
            if self._drafts and self._shown is not None:
                until = min(until, self._shown_at + RENEW_AFTER)
            try:
                async with asyncio.timeout_at(until):
                    await self._news.wait()
            except TimeoutError:
                if loop.time() >= self._updated_at + FORGOTTEN:
                    return
            self._news.clear()
            await self._show_in_turn()

    async def _show_in_turn(self) -> None:
        rank = Rank.UPDATE if self._has_words or not self._text.strip() else Rank.FIRST
        self._turn = self._post.pacer.queue(self._post.where.key, rank)
        try:
            async with self._turn() as is_granted:
                if not is_granted or self._is_closed:
                    return
                self._is_calling = True
                self._learn(await self._show())
        finally:
            self._is_calling = False
            self._turn = None

    async def _show(self) -> Answer:
        """One call that shows the newest text."""
        self._news.clear()
        if self._post.where.inline is not None:
            return await self._put(clipped(closed(self._text)), self._stop)
        page = next_page(self._text, self._place, is_whole=False)
        if page.next is not None:
            return await self._settle(page, page.next)
        if self._drafts and page.content.text and self._is_crowded():
            self._drafts, self._shown = False, None
        if self._drafts:
            return await self._put_draft(page.content)
        return await self._put(page.content, self._stop)

    async def _settle(self, page: Page, following: Place) -> Answer:
        """Send a full page for good; the next one is written in a new message."""
        text = self._text
        answer = await self._post.put(self._simple(page.content), None)
        if answer.outcome is Outcome.DONE:
            self._post.current = None
            self._place, self._settled = following, text[: following.at]
            self._shown, self._is_plain, self._has_words = None, False, True
            self._news.set()
        return answer

    async def _put_draft(self, content: Rendered) -> Answer:
        content = self._simple(content)
        call = calls.draft(self._post.where, self.draft_id, content)
        answer = await calls.ask(self._post.bot, call)
        self._post.learn(answer)
        self._remember(answer, content)
        return answer

    async def _put(self, content: Rendered, buttons: InlineKeyboardMarkup | None) -> Answer:
        content = self._simple(content)
        if not content.text:
            if self._post.where.inline is not None:
                return Answer(Outcome.DONE)
            where = self._post.where
            typing = SendChatAction(
                chat_id=where.chat, message_thread_id=where.topic, action="typing"
            )
            return await calls.ask(self._post.bot, typing)
        if content == self._shown:
            return Answer(Outcome.DONE)
        answer = await self._post.put(content, buttons)
        self._remember(answer, content)
        return answer

    def _remember(self, answer: Answer, content: Rendered) -> None:
        if answer.outcome is Outcome.DONE:
            self._shown, self._shown_at = content, asyncio.get_running_loop().time()
            self._has_words = self._has_words or bool(content.text)

    def _simple(self, content: Rendered) -> Rendered:
        return Rendered(content.text) if self._is_plain else content

    def _learn(self, answer: Answer) -> None:
        """What to do after a call that showed something, or did not."""
        outcome = answer.outcome
        if outcome is Outcome.DONE:
            self._pause = 0.0
            return
        self._news.set()
        if outcome is Outcome.BROKEN:
            self._pause = min(LONGEST_PAUSE, max(FIRST_PAUSE, 2 * self._pause))
        elif outcome is Outcome.LOST:
            self._is_quiet = True  # somebody deleted it; the end comes as a new message
        elif outcome is Outcome.REFUSED:
            self._after_refusal(answer)

    def _after_refusal(self, answer: Answer) -> None:
        """First without formatting, then without drafts, then not before the end."""
        if not self._is_plain and not answer.is_unknown:
            self._is_plain = True
        elif self._drafts:
            self._no_drafts(answer)
            self._drafts, self._is_plain, self._shown = False, False, None
        else:
            self._is_quiet = True

    async def _finish(self, text: str, buttons: InlineKeyboardMarkup | None) -> list[int]:
        await self.drop()
        if self._post.where.inline is not None:
            await self._post.deliver(clipped(text), buttons)
            return []
        if not text.startswith(self._settled):
            self._place = Place()  # other words than those that were shown: all of them
        following = pages(text, self._place)
        content = next(following, None)
        if content is None and self._post.current is not None:
            content = self._shown  # takes the Stop button away
        while content is not None:
            after = next(following, None)
            await self._post.deliver(content, buttons if after is None else None)
            content = after
        return list(self._post.ids)
