import datetime
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from cocoon.collateral.address import check_url, fingerprint, retry_after
from cocoon.collateral.circuit import FAILURES_TO_OPEN, Circuit, full_jitter
from cocoon.collateral.http import Limits, VendorHttp
from cocoon.errors import CollateralError, ConfigError, UnknownPlatformError
from cocoon.testing.collateral_server import CollateralServer, Fault, Served

pytestmark = pytest.mark.anyio
CRL = "/sgx/certification/v4/rootcacrl"


class Clock:
    """Time that only passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def patient(url: str, clock: Clock, limits: Limits | None = None) -> VendorHttp:
    return VendorHttp(url, limits=limits, clock=clock, sleep=clock.sleep, uniform=lambda: 1.0)


async def test_it_tries_again_and_waits_longer_each_time(server):
    server.faults += [Fault(503), Fault(502), Fault(500)]
    clock = Clock()
    service = patient(server.url, clock, Limits(attempts=4, first_delay=0.5))
    assert (await service.get(CRL)).body
    assert clock.slept == [0.5, 1.0, 2.0]
    await service.close()


def test_waits_are_random_from_nothing_up():
    assert full_jitter(8.0, lambda: 0.0) == 0.0
    assert full_jitter(8.0, lambda: 0.25) == 2.0


async def test_retry_after_is_honoured(server):
    server.faults.append(Fault(429, headers={"Retry-After": "7"}))
    clock = Clock()
    service = patient(server.url, clock)
    await service.get(CRL)
    assert clock.slept == [7.0]
    await service.close()


async def test_a_service_that_asks_for_a_long_pause_is_left_alone_that_long(server):
    server.faults.append(Fault(429, headers={"Retry-After": "900"}))
    clock = Clock()
    service = patient(server.url, clock)
    with pytest.raises(CollateralError, match="429") as caught:
        await service.get(CRL)
    assert caught.value.retry_after == 900
    assert clock.slept == []
    clock.now += 899
    with pytest.raises(CollateralError, match="left alone for another 1 s"):
        await service.get(CRL)
    assert len(server.requests) == 1
    clock.now += 2
    await service.get(CRL)
    await service.close()


async def test_after_several_failures_nothing_is_asked_for_a_while(server):
    server.broken["/"] = Fault(500)
    clock = Clock()
    service = patient(server.url, clock, Limits(attempts=1))
    for _ in range(FAILURES_TO_OPEN):
        with pytest.raises(CollateralError, match="HTTP 500"):
            await service.get(CRL)
    with pytest.raises(CollateralError, match="left alone for another 60 s") as caught:
        await service.get(CRL)
    assert caught.value.retry_after == 60
    clock.now += 61
    with pytest.raises(CollateralError, match="HTTP 500"):
        await service.get(CRL)
    with pytest.raises(CollateralError, match="left alone for another 120 s"):
        await service.get(CRL)
    assert len(server.requests) == FAILURES_TO_OPEN + 1
    await service.close()


def test_a_pause_never_grows_without_end():
    circuit = Circuit("x", lambda: 1.0)
    for _ in range(5000):
        circuit.failure(0.0, 0.0)
    with pytest.raises(CollateralError) as caught:
        circuit.require_closed(0.0)
    assert caught.value.retry_after == 3600
    circuit.failure(0.0, 1e9)
    with pytest.raises(CollateralError) as caught:
        circuit.require_closed(0.0)
    assert caught.value.retry_after == 6 * 3600


async def test_requests_are_spaced(server):
    clock = Clock()
    service = patient(server.url, clock, Limits(gap=3.0))
    for _ in range(3):
        await service.get(CRL)
    assert clock.slept == [3.0, 3.0]
    await service.close()


async def test_too_large_an_answer_is_not_read(server):
    server.faults.append(Fault(kind="huge"))
    service = VendorHttp(server.url, limits=Limits(max_bytes=100_000))
    with pytest.raises(CollateralError, match="more than 100000 bytes"):
        await service.get(CRL)
    server.faults.append(Fault(200, body=bytes(100_001)))
    with pytest.raises(CollateralError, match="more than 100000 bytes"):
        await service.get(CRL)
    await service.close()


@pytest.mark.parametrize("kind", ["hang", "drip"])
async def test_a_slow_answer_is_given_up(server, kind):
    server.broken["/"] = Fault(kind=kind)
    service = VendorHttp(server.url, limits=Limits(timeout=0.1, attempts=2, first_delay=0.01))
    with pytest.raises(CollateralError, match=r"no answer within 0\.1 s; tried 2 times"):
        await service.get(CRL)
    await service.close()


async def test_the_deadline_holds_over_all_retries(server):
    server.broken["/"] = Fault(500)
    clock = Clock()
    service = patient(server.url, clock, Limits(attempts=50, first_delay=4, deadline=10))
    with pytest.raises(CollateralError, match="tried 2 times"):
        await service.get(CRL)
    await service.close()


async def test_too_long_a_header_is_not_read(server):
    server.broken["/"] = Fault(200, headers={"TCB-Info-Issuer-Chain": "x" * 100_000})
    service = VendorHttp(server.url, limits=Limits(attempts=2, first_delay=0.01))
    with pytest.raises(CollateralError, match="tried 2 times"):
        await service.get(CRL)
    server.broken["/"] = Fault(200, headers={"TCB-Info-Issuer-Chain": "x" * 30_000})
    assert len((await service.get(CRL)).headers["tcb-info-issuer-chain"]) == 30_000
    await service.close()


@pytest.mark.parametrize("where", ["https://elsewhere.invalid/", "/other"])
async def test_redirects_are_not_followed(server, where):
    server.faults.append(Fault(302, headers={"Location": where}))
    service = VendorHttp(server.url)
    with pytest.raises(CollateralError, match="redirects elsewhere"):
        await service.get(CRL)
    assert len(server.requests) == 1
    await service.close()


@pytest.mark.parametrize(
    ("status", "kind", "text"),
    [
        (404, UnknownPlatformError, "no data there"),
        (410, UnknownPlatformError, "no data there"),
        (401, CollateralError, "API key"),
        (400, CollateralError, "HTTP 400"),
        (204, CollateralError, "HTTP 204"),
    ],
)
async def test_other_answers_are_not_tried_again(server, status, kind, text):
    server.faults.append(Fault(status))
    service = VendorHttp(server.url)
    with pytest.raises(kind, match=text):
        await service.get(CRL)
    assert len(server.requests) == 1
    await service.close()


async def test_compressed_answers_are_refused(server):
    server.faults.append(Fault(200, body=b"\x1f\x8b", headers={"Content-Encoding": "gzip"}))
    service = VendorHttp(server.url)
    with pytest.raises(CollateralError, match="compressed"):
        await service.get(CRL)
    await service.close()


async def test_a_connection_that_breaks_is_tried_again(server):
    server.faults += [Fault(kind="close"), Fault(kind="close")]  # aiohttp repeats a GET once itself
    clock = Clock()
    service = patient(server.url, clock)
    assert (await service.get(CRL)).body
    assert clock.slept == [0.5]
    await service.close()


async def test_nobody_there():
    service = VendorHttp("http://127.0.0.1:1", limits=Limits(attempts=2, first_delay=0.01))
    with pytest.raises(CollateralError, match="tried 2 times"):
        await service.get(CRL)
    await service.close()


@pytest.mark.parametrize(
    "url",
    ["http://example.org", "ftp://127.0.0.1", "https://", "https://u:p@h", "https://h?x=1",
     "https://h:99999", "http://[::1", ""],
)  # fmt: skip
def test_urls_that_are_refused(url):
    with pytest.raises(ConfigError):
        check_url(url)


def test_urls_that_are_accepted():
    assert check_url("https://example.org:8081/x/") == "https://example.org:8081/x"
    assert check_url("http://localhost:1") == "http://localhost:1"


@pytest.mark.parametrize(
    ("text", "seconds"), [("5", 5.0), ("", 0.0), ("-5", 0.0), ("²", 0.0), ("999999", 0.0),
                          ("Wed, 21 Oct 2026 07:28:00 GMT", 0.0)]
)  # fmt: skip
def test_what_retry_after_says(text, seconds):
    assert retry_after(text) == seconds


def self_signed(folder: Path) -> tuple[bytes, ssl.SSLContext]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name.from_rfc4514_string("CN=pccs")
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(Encoding.PEM)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "both.pem").write_bytes(private + pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    return pem, context


async def test_a_pccs_that_signs_itself_must_be_pinned(pki, tmp_path):
    pem, context = self_signed(tmp_path)
    (tmp_path / "other").mkdir()
    other, _ = self_signed(tmp_path / "other")
    async with CollateralServer(Served(1_800_000_000, intel=pki), tls=context) as server:
        pinned = VendorHttp(server.url, pinned=pem)
        assert (await pinned.get(CRL)).body
        await pinned.close()
        plain = VendorHttp(server.url)
        with pytest.raises(CollateralError, match="pin it"):
            await plain.get(CRL)
        await plain.close()
        wrong = VendorHttp(server.url, pinned=other)
        with pytest.raises(CollateralError, match="does not show the pinned certificate"):
            await wrong.get(CRL)
        await wrong.close()
        assert len(server.requests) == 1


@pytest.mark.parametrize("data", [b"", b"-----BEGIN CERTIFICATE-----\nAA\n", bytes(100_000)])
def test_a_pinned_certificate_is_one(data):
    with pytest.raises(ConfigError):
        fingerprint(data)


async def test_why_nobody_answers_is_said_in_words():
    http = VendorHttp("http://127.0.0.1:1", limits=Limits(attempts=1))
    with pytest.raises(CollateralError, match="does not answer: connection refused; tried 1 times"):
        await http.get("/x")
    await http.close()
