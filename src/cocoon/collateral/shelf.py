"""One kind of collateral: how it is fetched, read, compared, and where verifiers find it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


class Document(Protocol):
    """Collateral of any kind."""

    @property
    def expires_at(self) -> int:
        """Unix seconds from which it no longer counts."""
        ...


D = TypeVar("D", bound=Document)


def never_older(new: object, old: object) -> bool:
    """For kinds whose documents do not say which of two is newer."""
    del new, old
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf(Generic[D]):
    """What a refresher has to know of one kind.

    Attributes:
        kind: of :mod:`cocoon.attestation.evidence.missing`.
        source: what it is fetched from, for people; such as a host.
        fetch: asks the vendor for one key; raises CollateralError.
        parse: reads a document from its JSON form; raises EvidenceError.
        to_json: the JSON form.
        put: places a document where verifiers find it.
        is_older: whether the first of two documents was made before the second.
        capacity: keys that are kept up to date.
    """

    kind: str
    source: str
    fetch: Callable[[str], Awaitable[D]]
    parse: Callable[[str], D]
    to_json: Callable[[D], str]
    put: Callable[[D], None]
    is_older: Callable[[D, D], bool] = never_older
    capacity: int = 64
