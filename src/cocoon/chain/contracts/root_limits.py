"""Ranges that our root contract enforces (exit code 1020); the official one checks none."""

from cocoon.chain.contracts.params import MAX_STRUCT_VERSION, ContractParams
from cocoon.chain.contracts.tariff import MAX_MULTIPLIER
from cocoon.errors import ConfigError

MAX_PRICE = 10**9
"""NanoTON per token."""
MAX_STAKE = 10**6 * 10**9
"""NanoTON: a million TON."""
MAX_DELAY = 30 * 86400
"""Seconds."""
MIN_DELAY = 3600
"""Seconds; a test network may go below."""
MAX_STEP = 1000
"""How far one full upgrade may move the version of the parameters, or the last number of a proxy;
the root's own version moves by one."""


def check_params(params: ContractParams) -> None:
    """Refuse parameters that our root contract would refuse.

    Raises:
        ConfigError: says which value is wrong and what is allowed.
    """
    if params.struct_version != MAX_STRUCT_VERSION:
        raise ConfigError(f"parameters must have struct version {MAX_STRUCT_VERSION}")
    if params.worker_fee_per_token > params.price_per_token:
        raise ConfigError("the worker's fee is greater than the price: nobody could pay it")
    if params.price_per_token > MAX_PRICE:
        raise ConfigError(f"price per token: at most {MAX_PRICE} nanoTON")
    if params.client_delay_before_close > params.proxy_delay_before_close:
        raise ConfigError("the client's delay is longer than the proxy's")
    if params.proxy_delay_before_close > MAX_DELAY:
        raise ConfigError(f"delay before close: at most {MAX_DELAY} seconds")
    if not params.is_test and params.client_delay_before_close < MIN_DELAY:
        raise ConfigError(f"delay before close: at least {MIN_DELAY} seconds")
    if max(_weights(params)) > MAX_MULTIPLIER:
        raise ConfigError(f"weight of a token class: at most {MAX_MULTIPLIER}")
    if max(params.min_proxy_stake, params.min_client_stake) > MAX_STAKE:
        raise ConfigError(f"stake: at most {MAX_STAKE} nanoTON")


def _weights(params: ContractParams) -> tuple[int, ...]:
    return (
        params.prompt_multiplier,
        params.cached_multiplier,
        params.completion_multiplier,
        params.reasoning_multiplier,
    )
