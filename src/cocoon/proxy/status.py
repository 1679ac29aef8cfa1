"""A proxy's status and control pages (``wire-protocol.md`` §5.3), loopback by default.

The JSON has the official field names, so that tools written for official proxies read it. What
changes state is POST only; the official pages act on GET.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from cocoon.chain.address import Address
from cocoon.errors import CocoonError
from cocoon.net.page_guard import PageGuard
from cocoon.proxy.metrics import Gauge, ProxyCollector, prometheus_text
from cocoon.proxy.onchain.outbox import Due
from cocoon.proxy.onchain.status import onchain_status

if TYPE_CHECKING:
    from cocoon.proxy.proxy import Proxy


def status_app(proxy: "Proxy") -> Starlette:
    """The ASGI application for a proxy's HTTP port."""
    collector = ProxyCollector(
        proxy.statistics,
        {
            "running_requests": Gauge("Requests running now.", lambda: proxy.dispatcher.running),
            "client_connections": Gauge(
                "Open client connections.", lambda: proxy.client_side.connections
            ),
            "worker_connections": Gauge(
                "Open worker connections.", lambda: proxy.worker_side.connections
            ),
        },
    )

    async def health(_request: Request) -> Response:
        return PlainTextResponse(
            "ok\n" if proxy.healthy else "store fails\n", _status(proxy.healthy)
        )

    async def ready(_request: Request) -> Response:
        return PlainTextResponse("ready\n" if proxy.ready else "not ready\n", _status(proxy.ready))

    async def metrics(_request: Request) -> Response:
        return Response(prometheus_text(collector), media_type="text/plain; version=0.0.4")

    async def jsonstats(_request: Request) -> Response:
        return JSONResponse(json_status(proxy))

    async def flush() -> None:
        await proxy.flush()

    async def enable() -> None:
        proxy.set_enabled(True)

    async def disable() -> None:
        proxy.set_enabled(False)

    async def charge() -> None:
        await proxy.settle(Due(charges=True))

    async def payout() -> None:
        await proxy.settle(Due(charges=True, payouts=True))

    async def withdraw() -> None:
        await proxy.settle(Due(commission=True))

    async def retire() -> None:
        proxy.retire()

    page = proxy.settings.attestation
    return Starlette(
        routes=[
            *([] if page is None else [page.route()]),
            Route("/health", health),
            Route("/ready", ready),
            Route("/metrics", metrics),
            Route("/jsonstats", jsonstats),
            Route("/request/flush", _action(flush), methods=["POST"]),
            Route("/request/enable", _action(enable), methods=["POST"]),
            Route("/request/disable", _action(disable), methods=["POST"]),
            Route("/request/charge", _action(charge), methods=["POST"]),
            Route("/request/payout", _action(payout), methods=["POST"]),
            Route("/request/withdraw", _action(withdraw), methods=["POST"]),
            Route("/request/retire", _action(retire), methods=["POST"]),
        ],
        middleware=[Middleware(PageGuard, host=proxy.settings.http_host)],
    )


def _status(good: bool) -> int:
    return 200 if good else 503


def _action(act: Callable[[], Awaitable[None]]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(_request: Request) -> Response:
        try:
            await act()
        except CocoonError as error:
            return PlainTextResponse(f"failed: {error}\n", error.http_status)
        return PlainTextResponse("done\n")

    return endpoint


def json_status(proxy: "Proxy") -> dict[str, Any]:
    """Everything an operator may see, with the official names; nothing of any request."""
    root, statistics = proxy.settings.root, proxy.statistics

    def shown(address: Address | str) -> str:
        parsed = Address.parse(address) if isinstance(address, str) else address
        return parsed.friendly(testnet=proxy.settings.is_testnet)

    price = proxy.dispatcher.terms.prices.price_per_token
    return {
        "status": {
            "actual_image_hash": (proxy.settings.image_hash or b"").hex(),
            "enabled": proxy.dispatcher.terms.enabled,
            "healthy": proxy.healthy,
        },
        "stats": {
            "queries": statistics.queries,
            "success": statistics.succeeded,
            "failed": statistics.failed,
            "rejected": statistics.rejected,
            "total_adjusted_tokens_used": statistics.charged,
            "prompt_adjusted_tokens_used": statistics.prompt,
            "cached_adjusted_tokens_used": statistics.cached,
            "completion_adjusted_tokens_used": statistics.completion,
            "reasoning_adjusted_tokens_used": statistics.reasoning,
        },
        "localconfig": {
            "root_address": shown(root.address),
            "owner_address": proxy.settings.owner,
            "check_worker_hashes": proxy.settings.check_worker_hashes,
        },
        "smartcontract": {
            "address": proxy.contract_text,
            "params_version": root.params.params_version,
            **onchain_status(proxy.onchain),
        },
        "root_contract_config": {
            "version": root.version,
            "params_version": root.params.params_version,
            "price_per_token": root.params.price_per_token,
            "worker_fee_per_token": root.params.worker_fee_per_token,
        },
        "workers": [
            {
                "owner_address": shown(record.account.owner),
                "sc_address": shown(record.contract),
                "earned_tokens": int(record.account.counter.max),
                "earned_tokens_committed_to_db": int(record.account.counter.db),
                "earned_tokens_signed": int(record.account.counter.chain),
                "unpayed_tokens": int(record.account.counter.max) - record.paid,
            }
            for record in proxy.books.workers
        ],
        "worker_connections": [
            {
                "owner_address": shown(worker.record.account.owner),
                "model": worker.model,
                "worker_hash": worker.peer.image_hash.hex(),
                "evidence": worker.peer.kind.value,
                "coefficient": worker.coefficient,
                "running_queries": worker.running,
                "max_running_queries": worker.limit,
                "queries_success": worker.succeeded,
                "seconds_per_query": worker.seconds_per_request,
                "enabled": worker.usable,
            }
            for worker in proxy.registry
        ],
        "clients": [
            {
                "owner_address": shown(record.account.owner),
                "sc_address": shown(record.contract),
                "used_tokens": int(record.account.counter.max),
                "used_tokens_committed_to_db": int(record.account.counter.db),
                "used_tokens_signed": int(record.account.counter.chain),
                "available_tokens": record.account.tokens_available(price),
                "reserved_tokens": int(record.account.reserved),
                "running_queries": record.account.running,
                "closing": record.state == 1,
                "closed": record.state == 2,
            }
            for record in proxy.books.clients
        ],
    }
