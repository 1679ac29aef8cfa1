"""The attestation page of a node: what a stranger needs to verify it without a TLS connection.

A worker dials out and listens nowhere, so its certificate never reaches a third party; the page
carries it. Nothing in a document is believed: the certificate is verified like one from a
handshake, and the other members only count where they fit what the hardware signed.

A challenge proves that the machine is there now: the node makes evidence over the reader's nonce
and the key of the certificate.
"""

import base64
import binascii
import hashlib
import textwrap
from dataclasses import dataclass
from typing import Annotated

import msgspec

from cocoon.attestation.evidence import EvidenceKind
from cocoon.errors import EvidenceError, LocalProtocolError

VERSION = 1
MAX_DOCUMENT_BYTES = 1 << 20
MAX_CERTIFICATE_BYTES = 131_072
MAX_EVENT_LOG_BYTES = 262_144
MAX_EVIDENCE_BYTES = 32_768
MAX_START_UP_CHARS = 65_536
MAX_TEXT = 512
NONCE_BYTES = 32
KEY_BYTES = 32

_CHALLENGE_LABEL = b"cocoon-challenge-v1\0"
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_FORMS = {
    EvidenceKind.FAKE_TDX: EvidenceKind.FAKE_TDX,
    EvidenceKind.TDX: EvidenceKind.TDX,
    EvidenceKind.TDX_SIMULATED: EvidenceKind.TDX,
    EvidenceKind.SNP: EvidenceKind.SNP,
    EvidenceKind.SNP_SIMULATED: EvidenceKind.SNP,
}

_Hex32 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TEXT)]


class _WireChallenge(msgspec.Struct, forbid_unknown_fields=True):
    nonce: _Hex32
    form: str
    evidence: str


class _Wire(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The JSON form; a new member means a new version."""

    cocoon_attestation: int
    role: _Text
    software: _Text
    kind: _Text
    certificate: str
    image_hash: _Hex32 | None = None
    config_hash: _Hex32 | None = None
    model: _Text | None = None
    event_log: str | None = None
    start_up_log: Annotated[str, msgspec.Meta(max_length=MAX_START_UP_CHARS)] | None = None
    challenge: _WireChallenge | None = None


@dataclass(frozen=True, slots=True)
class ChallengeAnswer:
    """Evidence that was made for one reader.

    Attributes:
        nonce: the reader's, 32 bytes.
        form: FAKE_TDX, TDX or SNP: how ``evidence`` is to be read. Whether it is real or simulated
            is for verification to say.
        evidence: over :func:`challenge_report_data`, as an
            :class:`~cocoon.attestation.evidence.EvidenceSource` makes it.
    """

    nonce: bytes
    form: EvidenceKind
    evidence: bytes


@dataclass(frozen=True, slots=True)
class AttestationDocument:
    """What a node shows to strangers.

    Attributes:
        role: ``proxy``, ``worker`` or ``key-manager``.
        software: name and version.
        kind: what the node says of its evidence, for people: only verification decides.
        certificate: DER of the certificate that it uses for new connections. GPU evidence, where
            there is some, is inside, in the evidence bundle.
        image_hash: what it says that it measures, 32 bytes.
        config_hash: of the measured configuration, 32 bytes.
        model: full model name that a worker serves.
        event_log: the log of what firmware and kernel measured, binary.
        start_up_log: the lines that Cocoon's start-up measured.
        challenge: fresh evidence, if it was asked for.
    """

    role: str
    software: str
    kind: str
    certificate: bytes
    image_hash: bytes | None = None
    config_hash: bytes | None = None
    model: str | None = None
    event_log: bytes | None = None
    start_up_log: str | None = None
    challenge: ChallengeAnswer | None = None

    def to_bytes(self) -> bytes:
        """The JSON form.

        Raises:
            LocalProtocolError: a value has the wrong length or is too long.
        """
        wire = _Wire(
            cocoon_attestation=VERSION,
            role=self.role,
            software=self.software,
            kind=self.kind,
            certificate=pem_of(self.certificate),
            image_hash=None if self.image_hash is None else self.image_hash.hex(),
            config_hash=None if self.config_hash is None else self.config_hash.hex(),
            model=self.model,
            event_log=None if self.event_log is None else _base64(self.event_log),
            start_up_log=self.start_up_log,
            challenge=_wire_challenge(self.challenge),
        )
        data = msgspec.json.encode(wire)
        try:
            self.from_bytes(data)
        except EvidenceError as error:
            raise LocalProtocolError(str(error)) from error
        return data

    @classmethod
    def from_bytes(cls, data: bytes) -> "AttestationDocument":
        """Read the JSON form.

        Raises:
            EvidenceError: malformed, of another version, or something is too long.
        """
        if len(data) > MAX_DOCUMENT_BYTES:
            raise EvidenceError(
                f"attestation page of {len(data)} bytes, at most {MAX_DOCUMENT_BYTES} are read"
            )
        try:
            wire = msgspec.json.decode(data, type=_Wire)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise EvidenceError("malformed attestation page") from error
        if wire.cocoon_attestation != VERSION:
            raise EvidenceError(
                f"attestation page of version {wire.cocoon_attestation}; update to read it"
            )
        return cls(
            role=_printable("role", wire.role),
            software=_printable("software", wire.software),
            kind=_printable("kind", wire.kind),
            certificate=der_of(wire.certificate),
            image_hash=None if wire.image_hash is None else bytes.fromhex(wire.image_hash),
            config_hash=None if wire.config_hash is None else bytes.fromhex(wire.config_hash),
            model=None if wire.model is None else _printable("model", wire.model),
            event_log=None
            if wire.event_log is None
            else _decoded("event log", wire.event_log, MAX_EVENT_LOG_BYTES),
            start_up_log=wire.start_up_log,
            challenge=_challenge(wire.challenge),
        )


def challenge_report_data(nonce: bytes, public_key: bytes) -> bytes:
    """What the hardware signs for a reader: 64 bytes.

    SHA-512 over a label, the reader's nonce of 32 bytes and the certificate's raw Ed25519 key of 32
    bytes. The label keeps it apart from what binds certificates, so no reader can have a node sign
    something that passes as another node's certificate.

    Raises:
        LocalProtocolError: an argument has another length.
    """
    if len(nonce) != NONCE_BYTES or len(public_key) != KEY_BYTES:
        raise LocalProtocolError("a challenge is a nonce of 32 bytes and a key of 32 bytes")
    return hashlib.sha512(_CHALLENGE_LABEL + nonce + public_key).digest()


def form_of(kind: EvidenceKind) -> EvidenceKind:
    """How evidence of a source of this kind is to be read.

    Raises:
        LocalProtocolError: a node cannot answer challenges with such evidence.
    """
    if kind not in _FORMS:
        raise LocalProtocolError(f"no challenge is answered with {kind.value} evidence")
    return _FORMS[kind]


def pem_of(der: bytes) -> str:
    """PEM of a certificate's DER, whatever it holds."""
    return "\n".join([_BEGIN, *textwrap.wrap(_base64(der), 64), _END, ""])


def der_of(pem: str) -> bytes:
    """DER of exactly one certificate in PEM; what it holds is not looked at.

    Raises:
        EvidenceError: not one PEM certificate, or too long.
    """
    text = pem.strip()
    if not text.startswith(_BEGIN) or not text.endswith(_END):
        raise EvidenceError("an attestation page holds one certificate in PEM")
    body = "".join(text[len(_BEGIN) : -len(_END)].split())
    return _decoded("certificate", body, MAX_CERTIFICATE_BYTES)


def _challenge(wire: _WireChallenge | None) -> ChallengeAnswer | None:
    if wire is None:
        return None
    forms = {form.value: form for form in _FORMS.values()}
    if wire.form not in forms:
        raise EvidenceError("an attestation page answers with evidence of an unknown form")
    evidence = _decoded("evidence", wire.evidence, MAX_EVIDENCE_BYTES)
    return ChallengeAnswer(bytes.fromhex(wire.nonce), forms[wire.form], evidence)


def _wire_challenge(answer: ChallengeAnswer | None) -> _WireChallenge | None:
    if answer is None:
        return None
    return _WireChallenge(
        nonce=answer.nonce.hex(), form=answer.form.value, evidence=_base64(answer.evidence)
    )


def _printable(what: str, text: str) -> str:
    """Text that may go to a terminal: nothing in it moves the cursor or hides what follows."""
    if not text.isprintable():
        raise EvidenceError(f"the {what} on an attestation page is not plain text")
    return text


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decoded(what: str, text: str, limit: int) -> bytes:
    if len(text) > 4 * limit // 3 + 4:
        raise EvidenceError(f"the {what} on an attestation page is longer than {limit} bytes")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise EvidenceError(f"the {what} on an attestation page is not base64") from error
    if not 0 < len(data) <= limit:
        raise EvidenceError(f"the {what} on an attestation page has {len(data)} bytes")
    return data
