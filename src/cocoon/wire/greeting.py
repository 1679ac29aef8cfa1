"""How a proxy introduces itself to a client or worker (``wire-protocol.md`` §3.1 step 3, §4.1)."""

from dataclasses import dataclass

from cocoon.errors import RemoteProtocolError
from cocoon.tl import types as t
from cocoon.wire.events import ProxyGreeting
from cocoon.wire.negotiation import (
    FLAG_IS_TEST,
    FLAG_VERSIONS,
    VersionRange,
    check_agreed,
)


@dataclass(frozen=True, slots=True)
class ProxyIdentity:
    """What a proxy tells every peer of itself.

    Addresses are text as it goes on the wire: 48 characters base64url; contracts must be in the
    non-bounceable form with the right test-net flag, or official peers leave (§3.1).
    """

    public_key: bytes
    owner_address: str
    contract_address: str
    is_test: bool

    def params(self, version: int) -> t.ProxyParams:
        """Return the TL form for a connection of this protocol version."""
        named = version > 0
        return t.ProxyParams(
            FLAG_IS_TEST | (FLAG_VERSIONS if named else 0),
            self.public_key,
            self.owner_address,
            self.contract_address,
            self.is_test,
            version if named else None,
        )


def read_greeting(
    params: t.ProxyParams, our_contract_address: str, *, is_test: bool, versions: VersionRange
) -> ProxyGreeting:
    """Check what needs no knowledge of the chain: flags, network and version.

    Raises:
        RemoteProtocolError: the peer cannot be talked to.
    """
    if not params.flags & (FLAG_IS_TEST | FLAG_VERSIONS):
        raise RemoteProtocolError("proxy params name neither network nor version")
    if bool(params.is_test) is not is_test:
        raise RemoteProtocolError(f"proxy has is_test {params.is_test}, here it is {is_test}")
    return ProxyGreeting(
        params.proxy_public_key,
        params.proxy_owner_address,
        params.proxy_sc_address,
        our_contract_address,
        check_agreed(versions, params.proto_version),
    )


def check_greeting(
    greeting: ProxyGreeting,
    proxy_contract: str,
    our_contract: str,
    known_public_key: bytes | None,
) -> None:
    """Compare the greeting with addresses that we computed ourselves, exactly as text.

    Args:
        greeting: what the proxy said.
        proxy_contract: the proxy contract that follows from its key, its owner and the root config.
        our_contract: our own contract at that proxy.
        known_public_key: the key of an earlier connection to the same proxy; it must not change.

    Raises:
        RemoteProtocolError: something differs.
    """
    if greeting.proxy_contract_address != proxy_contract:
        raise RemoteProtocolError("proxy contract address is not the one its key and owner give")
    if greeting.our_contract_address != our_contract:
        raise RemoteProtocolError("our contract address is not the one we compute")
    if known_public_key is not None and greeting.proxy_public_key != known_public_key:
        raise RemoteProtocolError("proxy changed its public key")
