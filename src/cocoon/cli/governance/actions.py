"""Operations of the root as people write them, and the bodies that they become."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cocoon.chain.address import Address
from cocoon.chain.cells import Cell
from cocoon.chain.contracts import governor, root
from cocoon.chain.contracts.code import load_code
from cocoon.chain.contracts.tariff import Multipliers
from cocoon.chain.net_address import parse_registered_proxy
from cocoon.errors import ConfigError, DecodeError

HASH_BYTES = 32
MAX_NUMBER = 2**63 - 1
_QUERY_ID = 0


@dataclass(frozen=True, slots=True)
class Form:
    """How an operation is written.

    Attributes:
        arguments: their names, for people; one that ends with ``…`` takes all that are left.
        make: from the words to the body, or for ``own`` operations to the action.
        own: the governor's own affair: only a governor can do it.
    """

    arguments: tuple[str, ...]
    make: Callable[[Sequence[str]], Cell]
    own: bool = False


@dataclass(frozen=True, slots=True)
class Wish:
    """An operation that somebody wants.

    Attributes:
        name: of the operation.
        cell: body for the root, or action of the governor.
        own: whether it is the governor's own affair.
    """

    name: str
    cell: Cell
    own: bool

    @property
    def action(self) -> Cell:
        """What goes into a governor's queue."""
        return self.cell if self.own else governor.action_of(self.cell)


def parse_wish(name: str, words: Sequence[str]) -> Wish:
    """The operation that words on the command line name.

    Raises:
        ConfigError: there is no such operation, or its arguments are wrong.
    """
    form = FORMS.get(name)
    if form is None:
        raise ConfigError(f"no such operation: {name!r}; known: {', '.join(FORMS)}")
    many = bool(form.arguments) and form.arguments[-1].endswith("…")
    if len(words) != len(form.arguments) and not (many and len(words) >= len(form.arguments)):
        wanted = " ".join(form.arguments) or "no arguments"
        raise ConfigError(f"{name} takes: {wanted}")
    try:
        return Wish(name, form.make(words), form.own)
    except DecodeError as error:
        raise ConfigError(f"{name}: {error}") from None


def _hash(text: str) -> bytes:
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raw = b""
    if len(raw) != HASH_BYTES:
        raise ConfigError(f"a hash has {2 * HASH_BYTES} hex digits: {text!r}")
    return raw


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 19 or int(text) > MAX_NUMBER:
        raise ConfigError(f"not a whole number: {text!r}")
    return int(text)


def _address(text: str) -> Address:
    try:
        return Address.parse(text)
    except DecodeError as error:
        raise ConfigError(f"{text!r} is not a TON address: {error}") from None


def _listed(words: Sequence[str]) -> str:
    """One endpoint for all, or one for workers and one for clients."""
    text = " ".join(words)
    parse_registered_proxy(0, text)
    return text


def _hashed(make: Callable[[int, bytes], Cell]) -> Form:
    return Form(("HASH",), lambda words: make(_QUERY_ID, _hash(words[0])))


def _change_params(words: Sequence[str]) -> Cell:
    price, fee, proxy_delay, client_delay, proxy_stake, client_stake = map(_number, words)
    return root.change_params(
        _QUERY_ID,
        price_per_token=price,
        worker_fee_per_token=fee,
        proxy_delay=proxy_delay,
        client_delay=client_delay,
        min_proxy_stake=proxy_stake,
        min_client_stake=client_stake,
    )


def _upgrade_contracts(_: Sequence[str]) -> Cell:
    codes = (load_code(name) for name in ("proxy", "worker", "client"))
    return root.upgrade_contracts(_QUERY_ID, *codes)


def _set_rules(words: Sequence[str]) -> Cell:
    threshold, revoke_threshold, delay = map(_number, words[:3])
    return governor.set_rules(
        [_address(word) for word in words[3:]],
        threshold=threshold,
        revoke_threshold=revoke_threshold,
        delay=delay,
    )


def _tariff(*, replaces_announced: bool) -> Form:
    def make(words: Sequence[str]) -> Cell:
        effective_at, *weights = map(_number, words)
        return governor.set_tariff(
            effective_at, Multipliers(*weights), replaces_announced=replaces_announced
        )

    names = ("EFFECTIVE-AT", "PROMPT", "CACHED", "COMPLETION", "REASONING")
    return Form(names, make, own=True)


FORMS = {
    "add-proxy-type": _hashed(root.add_proxy_type),
    "del-proxy-type": _hashed(root.del_proxy_type),
    "add-worker-type": _hashed(root.add_worker_type),
    "del-worker-type": _hashed(root.del_worker_type),
    "add-model-type": _hashed(root.add_model_type),
    "del-model-type": _hashed(root.del_model_type),
    "register-proxy": Form(
        ("HOST:PORT…",), lambda words: root.register_proxy(_QUERY_ID, _listed(words))
    ),
    "update-proxy": Form(
        ("SEQNO", "HOST:PORT…"),
        lambda words: root.update_proxy(_QUERY_ID, _number(words[0]), _listed(words[1:])),
    ),
    "unregister-proxy": Form(
        ("SEQNO",), lambda words: root.unregister_proxy(_QUERY_ID, _number(words[0]))
    ),
    "change-price": Form(
        ("PRICE", "WORKER-FEE"),
        lambda words: root.change_price(_QUERY_ID, _number(words[0]), _number(words[1])),
    ),
    "change-params": Form(
        (
            *("PRICE", "WORKER-FEE", "PROXY-DELAY", "CLIENT-DELAY"),
            *("PROXY-STAKE", "CLIENT-STAKE"),
        ),
        _change_params,
    ),
    "upgrade-contracts": Form((), _upgrade_contracts),
    "change-owner": Form(
        ("ADDRESS",), lambda words: root.change_owner(_QUERY_ID, _address(words[0]))
    ),
    "set-rules": Form(("THRESHOLD", "REVOKE-THRESHOLD", "DELAY", "OWNER…"), _set_rules, own=True),
    "set-tariff": _tariff(replaces_announced=False),
    "replace-tariff": _tariff(replaces_announced=True),
}
"""Operations by name. Prices and stakes are in nanoTON, delays and times in seconds."""
