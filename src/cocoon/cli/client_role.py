"""The client role and the gateway in one process, as the official client runner has them."""

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import msgspec

from cocoon import __version__
from cocoon.cli.client_money import MoneyRoutes, contract_object
from cocoon.client import Client, ClientSettings, ProxyAccount
from cocoon.client.chain.metrics import MoneyCollector
from cocoon.gateway import (
    ExtraReply,
    ExtraRequest,
    ExtraRoute,
    Gateway,
    GatewayServer,
    GatewaySettings,
)
from cocoon.net.page_guard import is_loopback

if TYPE_CHECKING:
    from cocoon.gateway.keys import KeyGate, KeysSettings

GRACE = 3
"""Seconds that running requests get when the process is told to stop."""


class ClientRole:
    """A client with its OpenAI-compatible API.

    Args:
        settings: of the client.
        gateway: of the gateway.
        host, port: where the API listens.
        keys: where API keys and budgets are kept, if they are.
    """

    def __init__(
        self,
        settings: ClientSettings,
        gateway: GatewaySettings,
        host: str,
        port: int,
        keys: "KeysSettings | None" = None,
    ) -> None:
        self._settings = settings
        self._client = Client(settings)
        routes = {"/jsonstats": ExtraRoute(self._jsonstats)}
        money, chain = self._client.money, self._client.chain
        if money is not None and (is_loopback(host) or gateway.api_key_hashes or keys):
            # Whoever could call these from another machine without a key could move our money;
            # where keys are kept, only those for administrators can.
            routes |= MoneyRoutes(money).routes()
        self._gate = None if keys is None else _key_gate(keys, routes)
        app = Gateway(self._client, gateway, gate=self._gate, extra_routes=routes)
        if money is not None and chain is not None:
            app.metrics.registry.register(MoneyCollector(money, chain))
        self._server = GatewayServer(app, host, port, grace=GRACE)

    @property
    def port(self) -> int:
        """The port of the API, after :meth:`start`."""
        return self._server.port

    async def start(self) -> None:
        """Begin to connect, and listen."""
        async with AsyncExitStack() as undo:
            if self._gate is not None:
                await self._gate.start()
                undo.push_async_callback(self._gate.close)
            await self._client.start()
            undo.push_async_callback(self._client.close)
            await self._server.start()
            undo.pop_all()

    async def close(self) -> None:
        """Let running requests end for a moment, then disconnect."""
        await self._server.stop()
        await self._client.close()
        if self._gate is not None:  # after the client, which tells what abandoned requests cost
            await self._gate.close()

    async def _jsonstats(self, request: ExtraRequest) -> ExtraReply:
        """The official page of a client runner (``wire-protocol.md`` §5.2), what applies of it."""
        del request
        accounts = await self._client.payment_status()
        root, chain = self._client.root.current, self._client.chain
        on_chain = self._on_chain()
        connected = [
            {**_proxy(account), **on_chain.pop(account.contract, {})} for account in accounts
        ]
        document = {
            "status": {
                **({} if chain is None else chain.status()),
                "enabled": True,
                "ready": self._client.ready,
                "version": __version__,
            },
            **({} if chain is None else {"wallet": chain.wallet_object()}),
            "localconf": {
                "root_address": root.address.friendly(testnet=self._settings.is_testnet),
                "owner_address": self._settings.wallet,
                "check_proxy_hash": self._settings.check_proxy_hashes,
            },
            "root_contract_config": {
                "version": root.version,
                "params_version": root.params.params_version,
                "is_test": root.params.is_test,
                "price_per_token": root.params.price_per_token,
                "worker_fee_per_token": root.params.worker_fee_per_token,
                "last_proxy_seqno": root.last_proxy_seqno,
            },
            # The rest of what is on chain is at proxies that were not connected since the start.
            "proxies": [*connected, *on_chain.values()],
        }
        return ExtraReply(msgspec.json.encode(document))

    def _on_chain(self) -> dict[str, dict[str, Any]]:
        """What the chain says, by our contract's address."""
        if self._client.money is None:
            return {}
        return {
            one.contract: {
                "proxy_sc_address": one.proxy,
                "sc_address": one.contract,
                **contract_object(one),
            }
            for one in self._client.money.report()
        }


def _key_gate(keys: "KeysSettings", routes: dict[str, ExtraRoute]) -> "KeyGate":
    """A gate with keys; adds the routes that manage them."""
    from cocoon.gateway.keys import KeyGate  # noqa: PLC0415 - loads SQLAlchemy
    from cocoon.gateway.keys.admin import AdminApi  # noqa: PLC0415

    gate = KeyGate(keys)
    routes |= AdminApi(gate).routes()
    return gate


def _proxy(account: ProxyAccount) -> dict[str, Any]:
    """Official names first; what is not official begins with ``signed`` or ``unexplained``."""
    return {
        "proxy_sc_address": account.proxy,
        "sc_address": account.contract,
        "is_ready": account.ready,
        "tokens_used_proxy_committed_to_blockchain": int(account.signed),
        "tokens_used_proxy_committed_to_db": int(account.db),
        "tokens_used_proxy_max": int(account.max),
        "signed_tokens": int(account.signed),
        "signed_nanoton": int(account.signed_cost),
        "unexplained_tokens": account.unexplained,
    }
