"""Confidential AI inference on TON: client, proxy, worker and what people need around them.

The names of the SDK are imported when they are first used, so that ``import cocoon`` loads nothing
else.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cocoon.sdk.async_client import AsyncClient
    from cocoon.sdk.async_transport import async_transport
    from cocoon.sdk.balance import Balance, ProxyBalance
    from cocoon.sdk.client import Client
    from cocoon.sdk.cost import Cost, cost_of
    from cocoon.sdk.options import options
    from cocoon.sdk.quote import Quote
    from cocoon.sdk.settlement import Costs, watch_costs
    from cocoon.sdk.sync_transport import transport
    from cocoon.sdk.verification import Verification

__version__ = "0.1.0"

__all__ = [
    "AsyncClient",
    "Balance",
    "Client",
    "Cost",
    "Costs",
    "ProxyBalance",
    "Quote",
    "Verification",
    "async_transport",
    "cost_of",
    "options",
    "transport",
    "watch_costs",
]

_HOMES = {
    "AsyncClient": "async_client",
    "Balance": "balance",
    "Client": "client",
    "Cost": "cost",
    "Costs": "settlement",
    "ProxyBalance": "balance",
    "Quote": "quote",
    "Verification": "verification",
    "async_transport": "async_transport",
    "cost_of": "cost",
    "options": "options",
    "transport": "sync_transport",
    "watch_costs": "settlement",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"cocoon.sdk.{home}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
