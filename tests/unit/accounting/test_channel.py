import pytest

from cocoon.accounting import (
    ChannelSigner,
    Counter,
    Levels,
    LowerClaim,
    PaymentClaim,
    PaymentReceiver,
    Tokens,
)
from cocoon.errors import PaymentError, SignerRegressionError


def text_envelope(tokens: Tokens) -> bytes:
    return b"signed %d" % tokens


def read_text_envelope(envelope: bytes) -> int:
    if not envelope.startswith(b"signed "):
        raise PaymentError("signature does not verify")
    return int(envelope[7:])


def counter(used: int, stored: int, confirmed: int) -> Counter:
    return Counter(Levels(Tokens(used), Tokens(stored), Tokens(confirmed)))


def test_signs_the_committed_level_once() -> None:
    made: list[int] = []

    def make(tokens: Tokens) -> bytes:
        made.append(tokens)
        return text_envelope(tokens)

    books = counter(30, 20, 10)
    signer = ChannelSigner(books, make)
    assert signer.latest() is signer.latest()
    books.use(Tokens(5))
    signer.latest()
    assert made == [10]
    books.confirmed(Tokens(20))
    assert signer.latest() == b"signed 20"
    assert made == [10, 20]
    assert signer.signed == 20


def test_refuses_to_sign_what_is_not_committed() -> None:
    signer = ChannelSigner(counter(30, 20, 10), text_envelope)
    with pytest.raises(PaymentError, match="10 tokens are committed, refusing to sign 11"):
        signer.sign(Tokens(11))
    assert signer.signed == 0


def test_refuses_to_go_backwards() -> None:
    signer = ChannelSigner(counter(30, 20, 10), text_envelope)
    signer.sign(Tokens(10))
    with pytest.raises(SignerRegressionError):
        signer.sign(Tokens(9))
    assert signer.sign(Tokens(10)) == b"signed 10"


def test_refuses_books_older_than_its_signature() -> None:
    signer = ChannelSigner(counter(30, 20, 10), text_envelope, signed=Tokens(11))
    with pytest.raises(SignerRegressionError):
        signer.latest()


def test_a_failed_signature_is_not_remembered() -> None:
    def fail(tokens: Tokens) -> bytes:
        raise PaymentError("no key")

    signer = ChannelSigner(counter(30, 20, 10), fail)
    with pytest.raises(PaymentError, match="no key"):
        signer.latest()
    assert signer.signed == 0


def receiver(lower: LowerClaim = LowerClaim.REFUSE) -> PaymentReceiver:
    return PaymentReceiver(read_text_envelope, lower)


def test_receiver_remembers_the_newest() -> None:
    peer = receiver()
    peer.receive(None, 0, 0)
    claim = peer.receive(b"signed 10", 20, 30)
    assert claim == peer.known == PaymentClaim(Tokens(10), Tokens(20), Tokens(30), b"signed 10")


def test_equal_envelope_is_verified_once() -> None:
    seen: list[bytes] = []

    def read(envelope: bytes) -> int:
        seen.append(envelope)
        return read_text_envelope(envelope)

    peer = PaymentReceiver(read, LowerClaim.REFUSE)
    for used in (30, 31, 32):
        peer.receive(b"signed 10", 20, used)
    assert seen == [b"signed 10"]
    assert peer.known.max == 32


@pytest.mark.parametrize(
    ("claim", "level"),
    [
        ((b"signed 9", 20, 30), "signed"),
        ((b"signed 10", 19, 30), "stored"),
        ((b"signed 10", 20, 29), "used"),
        ((None, 20, 30), "signed"),
    ],
)
def test_a_worker_refuses_a_proxy_that_went_back(
    claim: tuple[bytes | None, int, int], level: str
) -> None:
    peer = receiver()
    before = peer.receive(b"signed 10", 20, 30)
    with pytest.raises(PaymentError, match=f"{level} level went back"):
        peer.receive(*claim)
    assert peer.known is before


def test_a_client_remembers_the_highest() -> None:
    peer = receiver(LowerClaim.KEEP_HIGHEST)
    peer.receive(b"signed 10", 20, 30)
    claim = peer.receive(b"signed 5", 25, 29)
    assert claim == PaymentClaim(Tokens(10), Tokens(25), Tokens(30), b"signed 10")
    assert peer.receive(None, 0, 0).envelope == b"signed 10"


@pytest.mark.parametrize("lower", LowerClaim)
@pytest.mark.parametrize(
    ("envelope", "stored", "used"),
    [
        (b"signed 10", 9, 30),
        (b"signed 10", 31, 30),
        (b"forged", 20, 30),
        (b"signed -1", 20, 30),
        (None, -1, 30),
        (None, 0, 2**63),
    ],
)
def test_impossible_claims_are_refused_whole(
    lower: LowerClaim, envelope: bytes | None, stored: int, used: int
) -> None:
    peer = receiver(lower)
    with pytest.raises(PaymentError):
        peer.receive(envelope, stored, used)
    assert peer.known == PaymentClaim()
