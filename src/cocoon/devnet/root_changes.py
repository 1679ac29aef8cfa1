"""From what a root contract says to what it shall say: the owner's messages in between."""

from collections.abc import Callable, Iterator

from cocoon.chain.cells import Cell
from cocoon.chain.contracts import root
from cocoon.chain.contracts.params import ContractParams
from cocoon.chain.net_address import RegisteredProxy
from cocoon.chain.root_config import RootConfig
from cocoon.devnet.root_plan import RootPlan

_QUERY_ID = 0


def root_changes(current: RootConfig, plan: RootPlan, wanted: ContractParams) -> list[Cell]:
    """Bodies of the messages that make ``current`` what it shall be; none if it is.

    Args:
        current: what the contract says.
        plan: the lists that it shall have.
        wanted: the parameters that it shall have.

    Raises:
        DecodeError: a value does not fit.
    """
    return [*_hashes(current, plan), *_proxies(current, plan), *_params(current.params, wanted)]


def _hashes(current: RootConfig, plan: RootPlan) -> Iterator[Cell]:
    add_delete: list[tuple[Callable[[int, bytes], Cell], frozenset[bytes]]] = [
        (root.add_proxy_type, plan.proxy_hashes - current.proxy_hashes),
        (root.del_proxy_type, current.proxy_hashes - plan.proxy_hashes),
        (root.add_worker_type, plan.worker_hashes - current.worker_hashes),
        (root.del_worker_type, current.worker_hashes - plan.worker_hashes),
        (root.add_model_type, plan.model_hashes - current.model_hashes),
        (root.del_model_type, current.model_hashes - plan.model_hashes),
    ]
    for make, hashes in add_delete:
        for item in sorted(hashes):
            yield make(_QUERY_ID, item)


def _proxies(current: RootConfig, plan: RootPlan) -> Iterator[Cell]:
    """The listed proxies keep their numbers in order; the rest is added or taken off the list."""
    listed = sorted(current.proxies, key=lambda proxy: proxy.seqno)
    for proxy, text in zip(listed, plan.proxies, strict=False):
        if _text(proxy) != text:
            yield root.update_proxy(_QUERY_ID, proxy.seqno, text)
    for proxy in listed[len(plan.proxies) :]:
        yield root.unregister_proxy(_QUERY_ID, proxy.seqno)
    for text in plan.proxies[len(listed) :]:
        yield root.register_proxy(_QUERY_ID, text)


def _params(current: ContractParams, wanted: ContractParams) -> Iterator[Cell]:
    if _terms(current) != _terms(wanted):
        yield root.change_params(
            _QUERY_ID,
            price_per_token=wanted.price_per_token,
            worker_fee_per_token=wanted.worker_fee_per_token,
            proxy_delay=wanted.proxy_delay_before_close,
            client_delay=wanted.client_delay_before_close,
            min_proxy_stake=wanted.min_proxy_stake,
            min_client_stake=wanted.min_client_stake,
        )
    codes = (wanted.proxy_code, wanted.worker_code, wanted.client_code)
    if codes != (current.proxy_code, current.worker_code, current.client_code):
        proxy, worker, client = codes
        if proxy is not None and worker is not None and client is not None:
            yield root.upgrade_contracts(_QUERY_ID, proxy, worker, client)


def _terms(params: ContractParams) -> tuple[int, ...]:
    return (
        params.price_per_token,
        params.worker_fee_per_token,
        params.proxy_delay_before_close,
        params.client_delay_before_close,
        params.min_proxy_stake,
        params.min_client_stake,
    )


def _text(proxy: RegisteredProxy) -> str:
    return f"{proxy.for_workers} {proxy.for_clients}"
