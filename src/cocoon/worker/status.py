"""A worker's status and control pages (``wire-protocol.md`` §5.3), loopback by default.

The JSON has the official field names. What changes state is POST only; the official pages act on
GET.
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from cocoon.chain.address import Address
from cocoon.errors import CocoonError, ConfigError, DecodeError
from cocoon.net.page_guard import PageGuard
from cocoon.worker.statistics import prometheus_text

if TYPE_CHECKING:
    from cocoon.worker.worker import Worker

_MAX_ARGUMENT = 32


def status_app(worker: "Worker") -> Starlette:
    """The ASGI application for a worker's HTTP port."""

    async def health(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def ready(_request: Request) -> Response:
        text = "ready\n" if worker.ready else "not ready\n"
        return PlainTextResponse(text, 200 if worker.ready else 503)

    async def metrics(_request: Request) -> Response:
        gauges: dict[str, float] = {
            **({} if worker.chain is None else worker.chain.gauges()),
            **({} if worker.money is None else worker.money.gauges()),
            "proxy_connections": worker.connections,
            "engine_ready": int(worker.monitor.ready),
            "enabled": int(worker.enabled),
            "model_proven": int(bool(worker.model.proven)),
            "model_listed": int(worker.model.listed),
            "coefficient": worker.coefficient,
        }
        text = prometheus_text(worker.statistics, gauges)
        return Response(text, media_type="text/plain; version=0.0.4")

    async def jsonstats(_request: Request) -> Response:
        return JSONResponse(json_status(worker))

    def enable(_request: Request) -> None:
        worker.set_enabled(True)

    def disable(_request: Request) -> None:
        worker.set_enabled(False)

    def change_coefficient(request: Request) -> None:
        worker.change_coefficient(_coefficient(request.query_params.get("coefficient", "")))

    async def pay_out(request: Request) -> Response:
        return await _payout(worker, request.query_params.get("proxy", ""))

    page = worker.settings.attestation
    return Starlette(
        routes=[
            *([] if page is None else [page.route()]),
            Route("/health", health),
            Route("/ready", ready),
            Route("/metrics", metrics),
            Route("/jsonstats", jsonstats),
            Route("/request/enable", _action(enable), methods=["POST"]),
            Route("/request/disable", _action(disable), methods=["POST"]),
            Route("/request/change_coefficient", _action(change_coefficient), methods=["POST"]),
            Route("/request/payout", pay_out, methods=["POST"]),
        ],
        middleware=[Middleware(PageGuard, host=worker.settings.http_host)],
    )


def _action(act: Callable[[Request], None]) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        try:
            act(request)
        except ConfigError as error:
            return PlainTextResponse(f"failed: {error}\n", 400)
        except CocoonError as error:
            return PlainTextResponse(f"failed: {error}\n", error.http_status)
        return PlainTextResponse("state updated\n")

    return endpoint


async def _payout(worker: "Worker", proxy: str) -> Response:
    """Pay out at one proxy's contract, or at all of them without an argument."""
    try:
        if worker.money is None:
            raise ConfigError("this worker has no chain: payouts need TON")
        paid = await worker.money.payout(Address.parse(proxy) if proxy else None)
    except DecodeError as error:
        return PlainTextResponse(f"failed: proxy is not an address: {error}\n", 400)
    except ConfigError as error:
        return PlainTextResponse(f"failed: {error}\n", 400)
    except CocoonError as error:
        return PlainTextResponse(f"failed: {error}\n", error.http_status)
    return JSONResponse(
        {
            "paid": [
                {
                    "tokens": one.tokens,
                    "nanoton": one.amount,
                    "transaction": one.transaction,
                    "fees_nanoton": one.fees,
                }
                for one in paid
            ]
        }
    )


def _coefficient(text: str) -> int:
    """The official argument is a decimal number with 1.0 = 1000, cut off behind."""
    try:
        value = float(text) if len(text) <= _MAX_ARGUMENT else math.nan
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1e6:
        raise ConfigError("coefficient must be a decimal number, 1.0 is the normal price")
    # The product is rounded at the tenth digit first: 0.29 * 1000 is a little below 290.
    return int(round(value * 1000, 6))


def json_status(worker: "Worker") -> dict[str, Any]:
    """Everything an operator may see, with the official names; nothing of any request."""
    settings, s = worker.settings, worker.statistics
    root = worker.root.current
    chain = {} if worker.chain is None else worker.chain.status()
    return {
        "status": {
            **chain,
            "enabled": worker.enabled,
            "actual_model": settings.model,
            "model_proven": bool(worker.model.proven),
            "model_proven_by": [str(one.form) for one in worker.model.proven],
            "model_listed": worker.model.listed,
            "engine_ready": worker.monitor.ready,
            "engine_reason": worker.monitor.health.reason,
        },
        "stats": {
            "queries": s.queries,
            "success": s.succeeded,
            "failed": s.failed,
            "rejected": s.rejected,
            "cancelled": s.cancelled,
            "active": s.active,
            "bytes_received": s.bytes_received,
            "bytes_sent": s.bytes_sent,
            "time": s.seconds,
            "usage_estimated": s.estimated,
            "total_adjusted_tokens_used": s.prompt + s.cached + s.completion + s.reasoning,
            "prompt_adjusted_tokens_used": s.prompt,
            "cached_adjusted_tokens_used": s.cached,
            "completion_adjusted_tokens_used": s.completion,
            "reasoning_adjusted_tokens_used": s.reasoning,
        },
        "localconfig": {
            "root_address": root.address.friendly(testnet=settings.is_testnet),
            "owner_address": settings.owner,
            "model": settings.model,
            "coefficient": worker.coefficient,
            "check_proxy_hash": settings.check_proxy_hashes,
        },
        "root_contract_config": {
            "version": root.version,
            "params_version": root.params.params_version,
            "price_per_token": root.params.price_per_token,
            "worker_fee_per_token": root.params.worker_fee_per_token,
        },
        **({} if worker.chain is None else {"wallet": worker.chain.wallet_object()}),
        "proxy_connections": worker.connections,
        "proxies": [
            {
                "sc_inited": True,
                "proxy_sc_address": earnings.proxy,
                "proxy_public_key": earnings.public_key.hex().upper(),
                "sc_address": earnings.contract,
                "earned_tokens_committed_to_blockchain": int(earnings.signed),
                "earned_tokens_committed_to_proxy_db": int(earnings.db),
                "earned_tokens_max_known": int(earnings.max),
                "params_version": root.params.params_version,
                "signed_tokens": int(earnings.signed),
                "signed_nanoton": int(earnings.signed_fee),
                **_on_chain(worker, earnings.contract),
            }
            for earnings in worker.payouts.report()
        ],
    }


def _on_chain(worker: "Worker", contract: str) -> dict[str, Any]:
    """What the chain says of a contract; the first three names are official."""
    one = None if worker.money is None else worker.money.known(Address.parse(contract))
    if one is None:
        return {}
    facts = one.facts
    paid = 0 if facts is None else facts.paid
    return {
        "cached_out_tokens": paid,
        "expected_cached_out_tokens": int(paid + (one.paying if one.running else 0)),
        "running_request": one.running,
        "params_version": one.record.params_version,
        "due_tokens": 0 if facts is None else facts.due_tokens,
        "due_nanoton": 0 if facts is None else facts.due,
        "payable_tokens": 0 if facts is None else facts.payable_tokens,
        "deployed": facts is not None and facts.worker is not None,
        "last_transaction": one.record.last_transaction,
        "next": "" if one.step is None else one.step_text,
    }
