"""From what a root contract says to what it shall say: the owner's messages in between."""

from collections.abc import Collection, Iterator

from cocoon.chain.cells import Cell
from cocoon.chain.contracts import root
from cocoon.chain.contracts.params import ContractParams
from cocoon.chain.net_address import RegisteredProxy
from cocoon.chain.root_config import RootConfig
from cocoon.devnet.root_plan import RootPlan

_QUERY_ID = 0


def root_changes(
    current: RootConfig,
    applied: RootPlan,
    plan: RootPlan,
    codes: ContractParams,
    listed: Collection[str],
) -> list[Cell]:
    """Bodies of the messages that take a root from one plan to the next; none if nothing changed.

    What is neither in the old plan nor in the new one was decided by the root's owner, and stays.

    Args:
        current: what the contract says.
        applied: the plan that it followed last.
        plan: what it shall follow.
        codes: has the codes of the three contracts that it shall have.
        listed: entries of the list of proxies that are this devnet's.

    Raises:
        DecodeError: a value does not fit.
    """
    return [
        *_hashes(current, applied, plan),
        *_proxies(current, plan, listed),
        *_params(current.params, applied, plan),
        *_codes(current.params, codes),
    ]


def _hashes(current: RootConfig, applied: RootPlan, plan: RootPlan) -> Iterator[Cell]:
    lists = (
        (
            (root.add_proxy_type, root.del_proxy_type),
            (current.proxy_hashes, applied.proxy_hashes, plan.proxy_hashes),
        ),
        (
            (root.add_worker_type, root.del_worker_type),
            (current.worker_hashes, applied.worker_hashes, plan.worker_hashes),
        ),
        (
            (root.add_model_type, root.del_model_type),
            (current.model_hashes, applied.model_hashes, plan.model_hashes),
        ),
    )
    for (add, delete), (have, before, after) in lists:
        for item in sorted(after - have):
            yield add(_QUERY_ID, item)
        for item in sorted((before - after) & have):
            yield delete(_QUERY_ID, item)


def _proxies(current: RootConfig, plan: RootPlan, listed: Collection[str]) -> Iterator[Cell]:
    """The listed proxies keep their numbers in order; the rest is added or taken off the list."""
    ordered = sorted(current.proxies, key=lambda proxy: proxy.seqno)
    ours = [proxy for proxy in ordered if _text(proxy) in listed]
    for proxy, text in zip(ours, plan.proxies, strict=False):
        if _text(proxy) != text:
            yield root.update_proxy(_QUERY_ID, proxy.seqno, text)
    for proxy in ours[len(plan.proxies) :]:
        yield root.unregister_proxy(_QUERY_ID, proxy.seqno)
    for text in plan.proxies[len(ours) :]:
        yield root.register_proxy(_QUERY_ID, text)


def _params(current: ContractParams, applied: RootPlan, plan: RootPlan) -> Iterator[Cell]:
    now = (
        current.price_per_token,
        current.worker_fee_per_token,
        current.proxy_delay_before_close,
        current.client_delay_before_close,
        current.min_proxy_stake,
        current.min_client_stake,
    )
    if plan.terms not in (applied.terms, now):
        yield root.change_params(
            _QUERY_ID,
            price_per_token=plan.price_per_token,
            worker_fee_per_token=plan.worker_fee_per_token,
            proxy_delay=plan.proxy_delay,
            client_delay=plan.client_delay,
            min_proxy_stake=plan.min_proxy_stake,
            min_client_stake=plan.min_client_stake,
        )


def _codes(current: ContractParams, wanted: ContractParams) -> Iterator[Cell]:
    proxy, worker, client = wanted.proxy_code, wanted.worker_code, wanted.client_code
    if (proxy, worker, client) == (current.proxy_code, current.worker_code, current.client_code):
        return
    if proxy is not None and worker is not None and client is not None:
        yield root.upgrade_contracts(_QUERY_ID, proxy, worker, client)


def _text(proxy: RegisteredProxy) -> str:
    return f"{proxy.for_workers} {proxy.for_clients}"
