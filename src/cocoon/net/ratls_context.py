"""TLS 1.3 contexts whose verification is ours (``attestation.md`` §2)."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from cryptography import x509
from OpenSSL import SSL, crypto

from cocoon.attestation.cache import VerificationCache
from cocoon.attestation.peer import VerifiedPeer
from cocoon.attestation.policy import PeerPolicy
from cocoon.attestation.verify import PeerRole, verify_peer
from cocoon.errors import AttestationError, CertificateError
from cocoon.net.credentials import Credentials

CIPHER_SUITES = b"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384"
MAX_CONTEXTS = 64

_ENABLE_PARTIAL_WRITE = 1  # SSL_MODE_ENABLE_PARTIAL_WRITE; pyOpenSSL sets it and has no name for it
_SELF_SIGNED_LEAF = 18
_UNHANDLED_CRITICAL_EXTENSION = 34
_TOLERATED = (_SELF_SIGNED_LEAF, _UNHANDLED_CRITICAL_EXTENSION)
_OPENSSL_ERRORS = {
    9: "not valid yet",
    10: "expired",
    19: "a chain instead of one self-signed certificate",
    20: "issued by somebody else",
    21: "issued by somebody else",
    22: "chain too long",
    26: "not for this purpose",
    62: "wrong host name",
}


@dataclass(slots=True, eq=False)
class Verdict:
    """What verification said during one handshake; attached to its TLS connection.

    Attributes:
        peer: set when the peer passed. It counts only once the handshake is complete: until then
            anybody may have replayed the certificate.
        refusal: set when it did not.
    """

    peer: VerifiedPeer | None = None
    refusal: AttestationError | None = None


class TlsContexts:
    """Contexts by (credentials version, policy, role), made once and used for many connections.

    Args:
        clock: unix seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._cache = VerificationCache()
        self._contexts: OrderedDict[tuple[int, PeerPolicy, PeerRole], SSL.Context] = OrderedDict()

    def connection(
        self, credentials: Credentials, policy: PeerPolicy, peer_role: PeerRole
    ) -> tuple[SSL.Connection, Verdict]:
        """A TLS connection over memory, before its handshake, and where the verdict will be."""
        key = (credentials.version, policy, peer_role)
        context = self._contexts.get(key)
        if context is None:
            context = self._new_context(credentials, policy, peer_role)
            self._contexts[key] = context
            while len(self._contexts) > MAX_CONTEXTS:
                self._contexts.popitem(last=False)
        else:
            self._contexts.move_to_end(key)
        connection = SSL.Connection(context, None)
        verdict = Verdict()
        connection.set_app_data(verdict)
        if peer_role is PeerRole.CLIENT:
            connection.set_accept_state()
        else:
            connection.set_connect_state()
        return connection, verdict

    def _new_context(
        self, credentials: Credentials, policy: PeerPolicy, peer_role: PeerRole
    ) -> SSL.Context:
        we_serve = peer_role is PeerRole.CLIENT
        context = SSL.Context(SSL.TLS_SERVER_METHOD if we_serve else SSL.TLS_CLIENT_METHOD)
        context.set_min_proto_version(SSL.TLS1_3_VERSION)
        context.set_tls13_ciphersuites(CIPHER_SUITES)
        # Resumption would skip verification: no tickets, and nothing kept that could resume.
        context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION)
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        # Memory takes any amount at once; one call then makes all records of a write.
        context.clear_mode(_ENABLE_PARTIAL_WRITE)
        context.set_mode(SSL.MODE_RELEASE_BUFFERS)
        context.use_certificate(x509.load_der_x509_certificate(credentials.certificate_der))
        context.use_privatekey(credentials.private_key)
        mode = SSL.VERIFY_PEER | (SSL.VERIFY_FAIL_IF_NO_PEER_CERT if we_serve else 0)
        context.set_verify(mode, self._callback(policy, peer_role))
        context.set_verify_depth(1)
        return context

    def _callback(
        self, policy: PeerPolicy, peer_role: PeerRole
    ) -> Callable[[SSL.Connection, crypto.X509, int, int, int], bool]:
        def verify(
            connection: SSL.Connection, certificate: crypto.X509, error: int, depth: int, ok: int
        ) -> bool:
            verdict = connection.get_app_data()
            if not isinstance(verdict, Verdict):
                return False
            try:
                if not ok:
                    return _tolerate(error, depth)
                if depth:
                    raise CertificateError("a chain instead of one self-signed certificate")
                # As it came: reading it is for the verifier, which knows what readers raise.
                der = crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)
                now = int(self._clock())
                verdict.peer = verify_peer(der, policy, now, role=peer_role, cache=self._cache)
            except AttestationError as refusal:
                verdict.refusal = refusal
                return False
            return True

        return verify


def _tolerate(error: int, depth: int) -> bool:
    """The two errors that every peer certificate causes (``attestation.md`` §2.2 step 1)."""
    if depth == 0 and error in _TOLERATED:
        return True
    raise CertificateError(_OPENSSL_ERRORS.get(error, f"OpenSSL verification error {error}"))
