"""What only the embedded chain of a devnet can do, over its HTTP interface."""

from typing import Any
from urllib.parse import urlencode

from cocoon.chain.address import Address
from cocoon.devnet.http import call, get_json
from cocoon.errors import ChainError, RemoteProtocolError, UnavailableError

TIMEOUT = 20.0
PAGE = 100
MAX_PAGES = 200

Json = dict[str, Any]


class ChainControl:
    """The control interface of an embedded chain.

    Args:
        url: base URL of its HTTP interface.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    async def faucet(self, address: Address, amount: int) -> None:
        """Give an address so many nanoTON out of nothing.

        Raises:
            ChainError: the chain does not answer, or refuses.
        """
        await self._post("faucet", address=address.raw(), amount=amount)

    async def advance(self, seconds: int) -> None:
        """Move the chain's clock forward; raises as :meth:`faucet`."""
        await self._post("time", advance=seconds)

    async def last_block(self) -> int:
        """Number of the newest block; raises as :meth:`faucet`."""
        return int((await self._get("status"))["head"]["seqno"])

    async def accounts(self) -> list[Json]:
        """The accounts that were active last, at most ``PAGE``; raises as :meth:`faucet`."""
        return list((await self._get(f"accounts?limit={PAGE}"))["accounts"])

    async def recent(self) -> list[Json]:
        """The newest transactions, at most ``PAGE``; raises as :meth:`faucet`."""
        return list((await self._get(f"transactions?limit={PAGE}"))["transactions"])

    async def transactions(self) -> list[Json]:
        """Every transaction, newest first; raises as :meth:`faucet`, also when there are too many.

        One is what the chain's explorer lists: ``value``, ``fees``, ``from``, ``kind`` and so on.
        """
        found: list[Json] = []
        more = ""
        for _ in range(MAX_PAGES):
            page = await self._get(f"transactions?limit={PAGE}{more}")
            found += page["transactions"]
            if page["next"] is None:
                return found
            more = f"&before={page['next']}"
        raise ChainError(f"the chain has more than {MAX_PAGES * PAGE} transactions")

    async def _get(self, path: str) -> Any:
        try:
            return await get_json(f"{self._url}/devnet/{path}", TIMEOUT)
        except (UnavailableError, RemoteProtocolError) as error:
            raise ChainError(f"the embedded chain: {error}") from None

    async def _post(self, path: str, **arguments: object) -> None:
        url = f"{self._url}/devnet/{path}?{urlencode(arguments)}"
        try:
            answer = await call("POST", url, TIMEOUT)
        except (UnavailableError, RemoteProtocolError) as error:
            raise ChainError(f"the embedded chain: {error}") from None
        if answer.status != 200:
            raise ChainError(f"the embedded chain refuses {path}: {answer.body[:200]!r}")
