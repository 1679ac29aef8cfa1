"""People's pretend wallets, as the stand-in's page uses them."""

import time
from collections.abc import Callable
from urllib.parse import urlsplit

from cocoon.devnet.telegram.answers import Json
from cocoon.devnet.telegram.browser_bodies import Action, text_of
from cocoon.devnet.telegram.people import Person
from cocoon.devnet.telegram.wallet import FIRST_FILL, StandInWallet
from cocoon.devnet.telegram.webview import origin_of
from cocoon.errors import BadRequestError


class BrowserWallets:
    """A wallet for each person, made when it is first asked for.

    Args:
        new: makes one; None where there is no chain.

    Attributes:
        by_name: what the page can do with a wallet.
    """

    def __init__(self, new: Callable[[], StandInWallet] | None) -> None:
        self._new = new
        self._wallets: dict[int, StandInWallet] = {}
        self.by_name: dict[str, Action] = {
            "wallet": self._shown,
            "wallet/fill": self._fill,
            "wallet/connect": self._connect,
            "wallet/plan": self._plan,
            "wallet/send": self._send,
        }

    async def close(self) -> None:
        """Stop the wallets."""
        for wallet in self._wallets.values():
            await wallet.close()
        self._wallets.clear()

    def _wallet(self, person: Person) -> StandInWallet:
        new = self._new
        if new is None:
            raise BadRequestError("this stand-in has no chain, and so no wallet")
        if person.id not in self._wallets:
            self._wallets[person.id] = new()
        return self._wallets[person.id]

    async def _shown(self, person: Person, _: Json) -> Json:
        is_new = person.id not in self._wallets
        wallet = self._wallet(person)
        if is_new:
            await wallet.fill(FIRST_FILL)
        return await wallet.describe()

    async def _fill(self, person: Person, body: Json) -> Json:
        wallet, nano = self._wallet(person), text_of(body, "nano", 20)
        if not nano.isascii() or not nano.isdigit():
            raise BadRequestError("nano is a number of nanoTON")
        await wallet.fill(int(nano))
        return await wallet.describe()

    async def _connect(self, person: Person, body: Json) -> Json:
        origin = origin_of(text_of(body, "origin", 512))
        domain = urlsplit(origin).netloc
        # Who checks a proof compares its time with the machine's, not with the stand-in's.
        items = self._wallet(person).connect_items(body.get("items"), domain, int(time.time()))
        return {"items": items}

    async def _plan(self, person: Person, body: Json) -> Json:
        return await self._wallet(person).plan(text_of(body, "request", 64 * 1024))

    async def _send(self, person: Person, body: Json) -> Json:
        return {"boc": await self._wallet(person).send(text_of(body, "request", 64 * 1024))}
