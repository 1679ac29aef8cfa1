"""What the sessions understand: one set of values for protocol versions 0, 1 and 2.

Old, ``…Ex`` and error constructors all become these. ``repr`` hides text and bytes, because they
hold prompts and answers. Times are Unix seconds, time limits seconds, tokens adjusted tokens
(``wire-protocol.md`` §6.2), payments the BoC of a signed envelope or None for "Empty".
"""

from cocoon.tl import Reticent
from cocoon.tl.types import TokensUsed

NO_TOKENS = TokensUsed(0, 0, 0, 0, 0)
NO_SCOPE = bytes(32)
"""Nobody shares a prompt cache with this request."""


class FinalInfo(Reticent, frozen=True, gc=False):
    """What stands at the end of an answer: its cost, debug text and times."""

    usage: TokensUsed = NO_TOKENS
    worker_debug: str | None = None
    proxy_debug: str | None = None
    proxy_start: float | None = None
    proxy_end: float | None = None
    worker_start: float | None = None
    worker_end: float | None = None


class RunQuery(Reticent, frozen=True, gc=False):
    """Client → proxy: run one inference request. ``query`` is a boxed ``http.request``."""

    request_id: bytes
    model: str
    query: bytes
    max_coefficient: int
    max_tokens: int
    timeout: float
    min_config_version: int
    debug: bool = False
    requires: tuple[str, ...] = ()
    cache_scope: bytes = NO_SCOPE


class WorkerQuery(Reticent, frozen=True, gc=False):
    """Proxy → worker: the same request under the proxy's own request id."""

    request_id: bytes
    query: bytes
    payment: bytes | None
    coefficient: int
    timeout: float
    debug: bool = False
    max_tokens: int | None = None
    """Completion tokens that the client pays for at most; None below version 3."""
    cache_scope: bytes = NO_SCOPE
    """Who may share a prompt cache with this request: those with the same value. 32 bytes."""


class QueryCancelled(Reticent, frozen=True, gc=False):
    """The asking side gives a request up: stop it, and tell what it has used."""

    request_id: bytes


class QueryRejected(Reticent, frozen=True, gc=False):
    """A query with numbers that make no sense (§7.1): answer it with this error, keep the peer."""

    request_id: bytes
    code: int
    message: str


class AnswerStarted(Reticent, frozen=True, gc=False):
    """The head of an answer: a boxed ``http.response``. ``final`` is set when it is all."""

    request_id: bytes
    response: bytes
    final: FinalInfo | None = None


class AnswerPart(Reticent, frozen=True, gc=False):
    """More bytes of the body. ``final`` is set on the last part."""

    request_id: bytes
    data: bytes
    final: FinalInfo | None = None


class AnswerFailed(Reticent, frozen=True, gc=False):
    """The end of a request that failed, before or after its answer started."""

    request_id: bytes
    code: int
    message: str
    final: FinalInfo | None = None


class PaymentUpdated(Reticent, frozen=True, gc=False):
    """The proxy's newest signed payment and counters for this peer.

    ``request_id`` and ``request_tokens`` are None when it is not about one request;
    ``client_owner`` is told to workers only.
    """

    request_id: bytes | None
    payment: bytes | None
    db_tokens: int
    max_tokens: int
    request_tokens: int | None = None
    client_owner: str | None = None


class AvailabilityChanged(Reticent, frozen=True, gc=False):
    """Worker → proxy: whether the worker takes requests."""

    disabled: bool


class CoefficientChanged(Reticent, frozen=True, gc=False):
    """Worker → proxy: the worker's new price multiplier, in thousandths."""

    coefficient: int


class Capabilities(Reticent, frozen=True, gc=False):
    """Worker → proxy: what its engine and model can do (version 3)."""

    engine: str = ""
    context_length: int = 0
    """Tokens of prompt and answer together; 0 is unknown."""
    features: tuple[str, ...] = ()
    """Words of :mod:`cocoon.wire.features`."""


class WorkerOffer(Reticent, frozen=True, gc=False):
    """One worker connection that serves a model; below version 3 only its price and load."""

    coefficient: int
    active_requests: int
    max_active_requests: int
    model: str = ""
    image_hash: bytes = b""
    evidence: str = ""
    capabilities: Capabilities = Capabilities()


class ModelOffer(Reticent, frozen=True, gc=False):
    """A model and who serves it.

    A peer of protocol version 0 tells only counts and coefficients: then ``workers`` is None.
    """

    name: str
    workers: tuple[WorkerOffer, ...] | None
    active_workers: int
    coefficient_min: int
    coefficient_median: int
    coefficient_max: int


class ProxyGreeting(Reticent, frozen=True, gc=False):
    """What a proxy says of itself, and of us, when we connect; nothing of it is checked yet."""

    proxy_public_key: bytes
    proxy_owner_address: str
    proxy_contract_address: str
    our_contract_address: str
    version: int


class ConnectRequest(Reticent, frozen=True, gc=False):
    """A client asks a proxy to connect (§3.1 step 2); flags, network and versions are checked."""

    owner_address: str
    min_config_version: int
    version: int


class AuthorizedBySecret(Reticent, frozen=True, gc=False):
    """The client proved that it knows the secret of its contract."""


class AuthorizeOnChain(Reticent, frozen=True, gc=False):
    """The client will register on chain with this nonce; answer when that is seen."""

    nonce: int


class PaymentStatusRequest(Reticent, frozen=True, gc=False):
    """The peer asks for its newest signed payment and counters."""


class ModelsRequest(Reticent, frozen=True, gc=False):
    """The client asks which models are served, in the form of version 0, 1 or 3."""

    form: int


class WorkerConnectRequest(Reticent, frozen=True, gc=False):
    """A worker asks a proxy to connect (§4.1 step 1); checked like :class:`ConnectRequest`."""

    owner_address: str
    model: str
    coefficient: int
    max_requests: int
    """Requests at once on this connection: ceil(max_active_requests / proxy_cnt)."""
    version: int

    @property
    def base_model(self) -> str:
        """The name that clients ask for: the part before ``@``."""
        return self.model.partition("@")[0]


class Counters(Reticent, frozen=True, gc=False):
    """The three token counters of one account, weakest promise last (§3.2)."""

    signed: int
    db: int
    max: int


class CompareRequest(Reticent, frozen=True, gc=False):
    """A worker tells what it remembers to have earned (§4.1 step 3)."""

    claimed: Counters


class ExtendedCompareRequest(Reticent, frozen=True, gc=False):
    """The second compare, after the proxy said that it knows of less than the worker."""

    db_tokens: int
    other: bytes


class Comparison(Reticent, frozen=True, gc=False):
    """The proxy's answer to a compare."""

    payment: bytes | None
    db_tokens: int
    max_tokens: int
    error_code: int


class WorkerReady(Reticent, frozen=True, gc=False):
    """The worker finished its handshake."""

    disabled: bool
