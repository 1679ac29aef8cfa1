"""Every exception that Cocoon raises on purpose.

The tree, with (wire code, HTTP status, exit code)::

    CocoonError                          (601, 500, 1)
    ├── ConfigError                      (602, 500, 2)   a file, flag or environment value is wrong
    ├── ProtocolError                    (621, 502, 1)
    │   ├── LocalProtocolError           we used an interface wrongly: a bug of ours
    │   └── RemoteProtocolError          the peer broke the protocol; its connection is closed
    │       └── DecodeError              the peer's bytes do not parse
    ├── AttestationError                 (621, 502, 3)   a trust check failed or could not be made
    │   ├── CertificateError             the certificate itself
    │   ├── EvidenceError                the quote or report inside it
    │   │   └── MissingCollateralError   there is no vendor data to judge it with, yet
    │   ├── CollateralError              a vendor's service does not answer, or with nonsense
    │   │   └── UnknownPlatformError     the vendor has no data for this platform
    │   └── PolicyError                  genuine, but not what the policy allows
    ├── PaymentError                     (602, 402, 4)   a payment does not add up
    │   └── SignerRegressionError        refused: would sign less than already signed
    ├── LoginError                       (602, 401, 1)   who calls is not who it claims to be
    ├── StoreError                       (601, 500, 1)   durable state cannot be read or written
    ├── ChainError                       (651, 502, 6)   TON cannot be reached, stalls or refuses
    │   ├── ChainDataError               what a backend says is malformed or contradicts itself
    │   ├── MessageRejectedError         a contract does not accept an external message
    │   ├── WalletFundsError  (…, 402, 4) the wallet holds too little to send this
    │   └── ContractError                a get-method failed or does not exist
    ├── EngineError                      (601, 502, 5)   the inference engine failed
    └── RequestError                     one inference request was refused or failed
        ├── BadRequestError              (602, 400, 1)
        ├── InsufficientFundsError       (602, 402, 4)
        ├── BlockedError                 (602, 403, 1)   an operator turned this user away
        ├── UnknownModelError            (621, 404, 1)
        ├── UnsupportedError             (602, 400, 1)   no worker of the model can do this
        ├── PriceError                   (651, 402, 1)   only dearer workers are there
        ├── OverloadedError              (651, 503, 1)   nobody can take it now; retry
        ├── UnavailableError             (651, 502, 1)   a hop is gone; retry
        ├── DeadlineError                (652, 504, 1)   a time limit passed
        ├── CancelledRequestError        (653, 502, 1)
        └── UpstreamError                (601, 502, 1)   a peer answered with a code we do not know

Wire codes are those of ``wire-protocol.md`` §2.9; they travel in ``tcp.queryError`` and in query
answers. From version 3 on answers carry :attr:`CocoonError.exact_code` instead, which tells apart
what 602 and 651 do not. The HTTP status is what the gateway answers, the exit code what the command
line returns. Messages are for the person who must act on them and never hold prompts, answers or
secrets.
"""

import traceback
from pathlib import PurePath
from typing import ClassVar

MAX_FRAMES = 12
"""Frames that :func:`where` names."""

WIRE_FAILURE = 601
WIRE_ERROR = 602
WIRE_PROTOCOL_VIOLATION = 621
WIRE_NOT_READY = 651
WIRE_TIMEOUT = 652
WIRE_CANCELLED = 653

WIRE_BAD_REQUEST = 701
WIRE_NO_FUNDS = 702
WIRE_UNKNOWN_MODEL = 703
WIRE_UNSUPPORTED = 704
WIRE_PRICE = 705
WIRE_OVERLOADED = 706

OFFICIAL_CODES = {
    WIRE_BAD_REQUEST: WIRE_ERROR,
    WIRE_NO_FUNDS: WIRE_ERROR,
    WIRE_UNKNOWN_MODEL: WIRE_PROTOCOL_VIOLATION,
    WIRE_UNSUPPORTED: WIRE_ERROR,
    WIRE_PRICE: WIRE_NOT_READY,
    WIRE_OVERLOADED: WIRE_NOT_READY,
}
"""What peers below version 3 are told instead of our own codes."""


class CocoonError(Exception):
    """Base of everything that Cocoon raises on purpose."""

    wire_code: ClassVar[int] = WIRE_FAILURE
    http_status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1
    retryable: ClassVar[bool] = False
    exact_code: ClassVar[int | None] = None
    """Wire code of version 3 where it says more than ``wire_code``."""


class ConfigError(CocoonError):
    """A configuration file, flag or environment value is wrong; says which and what to do."""

    wire_code = WIRE_ERROR
    exit_code = 2


class ProtocolError(CocoonError):
    """The protocol was broken, by us or by the peer."""

    wire_code = WIRE_PROTOCOL_VIOLATION
    http_status = 502


class LocalProtocolError(ProtocolError):
    """We tried something that the protocol does not allow now: a bug on our side."""


class RemoteProtocolError(ProtocolError):
    """The peer broke the protocol; only its connection is closed."""


class DecodeError(RemoteProtocolError):
    """Bytes from a peer do not parse."""


class AttestationError(CocoonError):
    """A trust check failed, or could not be made; nothing is trusted.

    Attributes:
        fix: what the owner of the machine, or the reader, can do about it; may be empty.
    """

    wire_code = WIRE_PROTOCOL_VIOLATION
    http_status = 502
    exit_code = 3

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.fix = fix


class CertificateError(AttestationError):
    """The peer's certificate is malformed, expired or not of the required form."""


class EvidenceError(AttestationError):
    """The attestation evidence does not verify."""


class MissingCollateralError(EvidenceError):
    """There is no vendor's signed data to judge the evidence with; nothing is trusted.

    Args:
        text: what to tell.
        kind: of data: ``tdx``, ``sgx``, ``snp`` or ``gpu``.
        key: which of it, such as a platform model; what a refresher asks the vendor for.
    """

    def __init__(self, text: str, kind: str, key: str) -> None:
        fix = "`cocoon attest collateral fetch` gets it; a node with `[collateral]` does by itself"
        super().__init__(text, fix=fix)
        self.kind = kind
        self.key = key


class CollateralError(AttestationError):
    """A vendor's service does not answer, refuses, or answers nonsense; what we have stays.

    Args:
        text: what to tell.
        retry_after: seconds before which the service must not be asked again; 0 if it is silent.
    """

    def __init__(self, text: str, retry_after: float = 0.0) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class UnknownPlatformError(CollateralError):
    """The vendor answers that it has no data for this platform: asking again soon is no use."""


class PolicyError(AttestationError):
    """The evidence is genuine but the policy does not allow what it proves."""


class PaymentError(CocoonError):
    """A payment does not verify or does not add up."""

    wire_code = WIRE_ERROR
    http_status = 402
    exit_code = 4


class SignerRegressionError(PaymentError):
    """Refused: the new amount is below one already signed for the same channel."""


class LoginError(CocoonError):
    """Somebody's proof of who they are is refused; its text quotes nothing of it.

    Args:
        text: what to tell.
        reason: one word for programs and logs: ``malformed``, ``forged``, ``aged``, ``future``,
            ``replayed``, ``expired``, ``missing``.
    """

    wire_code = WIRE_ERROR
    http_status = 401

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(text)
        self.reason = reason


class StoreError(CocoonError):
    """Durable state cannot be read or written."""


class ChainError(CocoonError):
    """TON cannot be reached, stalls or refuses; money is where it was."""

    wire_code = WIRE_NOT_READY
    http_status = 502
    exit_code = 6
    retryable = True


class ChainDataError(ChainError):
    """What a backend says is malformed or contradicts itself; it is not believed."""


class MessageRejectedError(ChainError):
    """A contract does not accept an external message.

    Args:
        text: what to tell.
        exit_code: of the contract, if it ran.
    """

    retryable = False

    def __init__(self, text: str, exit_code: int | None = None) -> None:
        super().__init__(text)
        self.contract_exit_code = exit_code


class WalletFundsError(ChainError):
    """The wallet holds too little to send this; says how much is missing and where to send it.

    Args:
        text: what to tell.
        missing: nanoTON that are missing.
        wallet: the wallet's address in the form to send to.
    """

    wire_code = WIRE_ERROR
    http_status = 402
    exit_code = 4
    retryable = False

    def __init__(self, text: str, missing: int, wallet: str) -> None:
        super().__init__(text)
        self.missing = missing
        self.wallet = wallet


class ContractError(ChainError):
    """A get-method failed or does not exist; ``contract_exit_code`` says how, if it ran."""

    retryable = False

    def __init__(self, text: str, exit_code: int | None = None) -> None:
        super().__init__(text)
        self.contract_exit_code = exit_code


class EngineError(CocoonError):
    """The inference engine failed, cannot be reached or answered nonsense."""

    http_status = 502
    exit_code = 5
    retryable = True


class RequestError(CocoonError):
    """One inference request was refused or failed; other requests go on.

    Attributes:
        fix: what the caller can do, where more is known than the class says; may be empty.
    """

    http_status = 500
    fix: str = ""


class BadRequestError(RequestError):
    """The request itself is wrong; sending it again changes nothing."""

    wire_code = WIRE_ERROR
    exact_code = WIRE_BAD_REQUEST
    http_status = 400


class InsufficientFundsError(RequestError):
    """The balance does not cover the request.

    Attributes:
        missing: nanoTON that are missing; 0 where it is not known.
    """

    missing: int = 0

    wire_code = WIRE_ERROR
    exact_code = WIRE_NO_FUNDS
    http_status = 402
    exit_code = 4


class BlockedError(RequestError):
    """An operator turned this user away."""

    wire_code = WIRE_ERROR
    http_status = 403


class UnknownModelError(RequestError):
    """No worker has ever served this model here."""

    wire_code = WIRE_PROTOCOL_VIOLATION
    exact_code = WIRE_UNKNOWN_MODEL
    http_status = 404


class UnsupportedError(RequestError):
    """Workers serve the model, but none can do what the request asks for; nothing was sent."""

    wire_code = WIRE_ERROR
    exact_code = WIRE_UNSUPPORTED
    http_status = 400


class PriceError(RequestError):
    """Only workers that cost more than the caller accepts can take the request now."""

    wire_code = WIRE_NOT_READY
    exact_code = WIRE_PRICE
    http_status = 402


class OverloadedError(RequestError):
    """Nobody can take the request now."""

    wire_code = WIRE_NOT_READY
    exact_code = WIRE_OVERLOADED
    http_status = 503
    retryable = True


class UnavailableError(RequestError):
    """A hop between here and the engine is gone."""

    wire_code = WIRE_NOT_READY
    http_status = 502
    retryable = True


class DeadlineError(RequestError):
    """A time limit passed; not for an automatic retry, because the request may be charged."""

    wire_code = WIRE_TIMEOUT
    http_status = 504


class CancelledRequestError(RequestError):
    """The request was cancelled before it was answered."""

    wire_code = WIRE_CANCELLED
    http_status = 502


class UpstreamError(RequestError):
    """A peer answered with an error of a kind that carries no more meaning than its text."""

    http_status = 502


def exact_code(error: CocoonError) -> int:
    """The wire code that says most; peers below version 3 get :data:`OFFICIAL_CODES` of it."""
    return error.wire_code if error.exact_code is None else error.exact_code


def where(error: BaseException) -> str:
    """Where an error comes from, innermost last: ``file:line`` of each frame.

    For logs, instead of a traceback: the text of an error that is not ours may quote content, and
    some loggers print the local variables of each frame.
    """
    frames = traceback.extract_tb(error.__traceback__, limit=-MAX_FRAMES)
    return " ".join(f"{PurePath(frame.filename).name}:{frame.lineno}" for frame in frames)


def request_error(wire_code: int, message: str) -> RequestError:
    """Turn a peer's wire code and text into the error class that a caller can act on.

    The mapping is the official one of ``wire-protocol.md`` §5.1, with 602 and 621 both a bad
    request, and that of version 3: a peer's text is not parsed for more meaning.
    """
    by_code: dict[int, type[RequestError]] = {
        WIRE_ERROR: BadRequestError,
        603: BadRequestError,
        WIRE_PROTOCOL_VIOLATION: BadRequestError,
        WIRE_NOT_READY: UnavailableError,
        WIRE_TIMEOUT: DeadlineError,
        WIRE_CANCELLED: CancelledRequestError,
        WIRE_BAD_REQUEST: BadRequestError,
        WIRE_NO_FUNDS: InsufficientFundsError,
        WIRE_UNKNOWN_MODEL: UnknownModelError,
        WIRE_UNSUPPORTED: UnsupportedError,
        WIRE_PRICE: PriceError,
        WIRE_OVERLOADED: OverloadedError,
    }
    return by_code.get(wire_code, UpstreamError)(message)
