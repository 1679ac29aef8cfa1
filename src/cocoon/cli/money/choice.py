"""Which of a node's contracts an order is about."""

from typing import Any

from cocoon.chain.address import Address
from cocoon.errors import ConfigError, DecodeError, PaymentError

Json = dict[str, Any]


def is_over(one: Json) -> bool:
    """Whether everything has come back, even if the client did not see it happen."""
    return bool(one["finished"]) or (one.get("state") == "closed" and not one.get("balance"))


def choose(contracts: list[Json], proxy: str | None, *, finished: bool) -> Json:
    """The contract at a proxy's contract; without an address the only one there is.

    Args:
        contracts: as a client's status page lists them.
        proxy: address of the proxy's contract in any form, or None.
        finished: whether closed and empty ones count too.

    Raises:
        ConfigError: the address is wrong, or there are several contracts and none was named.
        PaymentError: there is none.
    """
    if proxy is not None:
        wanted = parse_proxy(proxy)
        found = [one for one in contracts if parse_proxy(one["proxy_sc_address"]) == wanted]
    else:
        found = [one for one in contracts if not is_over(one)]
        if not found and finished:
            found = contracts[-1:]
    if not found:
        raise PaymentError(_none(contracts, proxy))
    if proxy is None and len(found) > 1:
        listed = ", ".join(one["proxy_sc_address"] for one in found)
        raise ConfigError(
            f"there are contracts at several proxies; name one with --proxy: {listed}"
        )
    return found[-1]


def _none(contracts: list[Json], proxy: str | None) -> str:
    if not contracts:
        return "this client has no contract yet: it is made when the client first connects"
    if proxy is None:
        return "this client has no open contract: `cocoon deposit` opens one"
    listed = ", ".join(one["proxy_sc_address"] for one in contracts)
    return f"this client has no contract at {proxy}; it has at: {listed}"


def parse_proxy(text: str) -> Address:
    """The address of a proxy's contract that ``--proxy`` names.

    Raises:
        ConfigError: it is no address.
    """
    try:
        return Address.parse(text)
    except DecodeError as error:
        raise ConfigError(f"--proxy: {error}") from None
