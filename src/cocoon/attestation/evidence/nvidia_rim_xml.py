"""The XML of NVIDIA's manifests: parsed without entities, its signature verified.

Apart from :mod:`cocoon.attestation.evidence.nvidia_rim`, because the libraries behind it take
memory that a node without GPUs would pay for nothing.
"""

import base64
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from cocoon.attestation.evidence.nvidia_chain import Chain, verify_chain
from cocoon.attestation.evidence.nvidia_report import MAX_MEASUREMENT_BYTES
from cocoon.attestation.evidence.nvidia_rim import LAYER, MAX_RIM_BYTES, RimDocument
from cocoon.errors import EvidenceError

MAX_MEASUREMENTS = 255
MAX_ALTERNATIVES = 64
MAX_SIGNERS = 6

_SWID = "{http://standards.iso.org/iso/19770/-2/2015/schema.xsd}"
_DSIG = "{http://www.w3.org/2000/09/xmldsig#}"
_SHA384 = "{http://www.w3.org/2001/04/xmlenc#sha384}"
_ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_CANONICAL = "http://www.w3.org/2006/12/xml-c14n11"
_PARSE_ERRORS = (etree.LxmlError, ValueError, TypeError, KeyError, AttributeError, RecursionError)


def read_manifest(xml: bytes) -> RimDocument:
    """Parse a manifest and verify its signature under the chain that it carries.

    Raises:
        EvidenceError: malformed, too large, with a document type, or the signature is wrong.
    """
    root = _parse(xml)
    chain = verify_chain(_signers(root), LAYER)
    return _read(_signed(root, chain), chain)


def _parse(xml: bytes) -> "etree._Element":
    if len(xml) > MAX_RIM_BYTES:
        raise EvidenceError(f"{LAYER}: {len(xml)} bytes, at most {MAX_RIM_BYTES}")
    # Neither entities nor anything else that a document type could bring is ever expanded.
    if b"<!DOCTYPE" in xml or b"<!ENTITY" in xml or xml[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise EvidenceError(f"{LAYER}: it declares a document type or is not UTF-8")
    try:
        root = etree.fromstring(xml, _parser())
        if root.getroottree().docinfo.doctype or root.tag != f"{_SWID}SoftwareIdentity":
            raise EvidenceError(f"{LAYER}: not a software identification tag")
    except _PARSE_ERRORS as error:
        raise EvidenceError(f"{LAYER}: malformed XML") from error
    return root


def _parser() -> "etree.XMLParser":
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False,
        huge_tree=False, recover=False, encoding="utf-8",
    )  # fmt: skip


def _signers(root: "etree._Element") -> tuple[bytes, ...]:
    """The signer's chain from the document; nothing else in there may hold a key."""
    signatures = list(root.iter(f"{_DSIG}Signature"))
    if len(signatures) != 1 or signatures[0].getparent() is not root:
        raise EvidenceError(f"{LAYER}: not exactly one signature under its root")
    references = list(signatures[0].iter(f"{_DSIG}Reference"))
    transforms = [e.get("Algorithm") for e in signatures[0].iter(f"{_DSIG}Transform")]
    methods = [e.get("Algorithm") for e in signatures[0].iter(f"{_DSIG}CanonicalizationMethod")]
    if len(references) != 1 or references[0].get("URI") != "":
        raise EvidenceError(f"{LAYER}: the signature is not over the whole document")
    if transforms != [_ENVELOPED, _CANONICAL] or methods != [_CANONICAL]:
        raise EvidenceError(f"{LAYER}: the signature transforms the document in another way")
    data = signatures[0].findall(f"{_DSIG}KeyInfo/{_DSIG}X509Data")
    texts = [e.text or "" for e in data[0]] if len(data) == 1 else []
    if not 0 < len(texts) <= MAX_SIGNERS or any(
        e.tag != f"{_DSIG}X509Certificate" for e in data[0]
    ):
        raise EvidenceError(f"{LAYER}: the signature does not carry its signer's chain")
    try:
        return tuple(base64.b64decode("".join(text.split()), validate=True) for text in texts)
    except ValueError as error:
        raise EvidenceError(f"{LAYER}: malformed certificate of a signer") from error


def _signed(root: "etree._Element", chain: Chain) -> "etree._Element":
    """What the signature covers, and nothing else."""
    configuration = SignatureConfiguration(
        location="./",
        signature_methods=frozenset({SignatureMethod.ECDSA_SHA384}),
        digest_algorithms=frozenset({DigestAlgorithm.SHA384}),
        # The chain and its time are judged apart; the library would ask the machine's clock.
        verification_time=datetime.fromtimestamp(chain.not_before, UTC),
    )
    try:
        signed = XMLVerifier().verify(
            root, x509_cert=chain.leaf, expect_config=configuration, parser=_parser()
        )
    except (SignXMLException, InvalidSignature, *_PARSE_ERRORS) as error:
        raise EvidenceError(f"{LAYER}: the signature is wrong") from error
    if isinstance(signed, list) or signed.signed_xml is None:
        raise EvidenceError(f"{LAYER}: the signature is wrong")
    return signed.signed_xml


def _read(root: "etree._Element", chain: Chain) -> RimDocument:
    metas, payloads = root.findall(f"{_SWID}Meta"), root.findall(f"{_SWID}Payload")
    if root.tag != f"{_SWID}SoftwareIdentity" or len(metas) != 1 or len(payloads) != 1:
        raise EvidenceError(f"{LAYER}: not one description and one payload")
    golden: dict[int, tuple[bytes, ...]] = {}
    seen: set[int] = set()
    for resource in payloads[0]:
        try:
            index, values, active = _measurement(resource)
        except (ValueError, KeyError) as error:
            raise EvidenceError(f"{LAYER}: malformed measurement") from error
        if index in seen or len(seen) == MAX_MEASUREMENTS:
            raise EvidenceError(f"{LAYER}: measurement {index} comes twice, or there are too many")
        seen.add(index)
        if active:
            golden[index] = values
    if not golden:
        raise EvidenceError(f"{LAYER}: it demands nothing")
    version, product, tag_id = metas[0].get("colloquialVersion"), metas[0].get("product"), None
    tag_id = root.get("tagId")
    if not version or not product or not tag_id or max(map(len, (version, product, tag_id))) > 256:
        raise EvidenceError(f"{LAYER}: it does not say what it is for")
    return RimDocument(version.upper(), product.upper(), tag_id, golden, chain)


def _measurement(resource: "etree._Element") -> tuple[int, tuple[bytes, ...], bool]:
    if resource.tag != f"{_SWID}Resource" or resource.attrib["type"] != "Measurement":
        raise ValueError(resource.tag)
    index, size = _number(resource.attrib["index"]), _number(resource.attrib["size"])
    count = _number(resource.attrib["alternatives"])
    active = {"True": True, "False": False}[resource.attrib["active"]]
    hashes = {name for name in resource.attrib if str(name).startswith(_SHA384)}
    names = [f"{_SHA384}Hash{number}" for number in range(min(count, MAX_ALTERNATIVES))]
    if hashes != set(names) or not names or len(names) != count:
        raise ValueError(count)
    values = tuple(bytes.fromhex(resource.attrib[name]) for name in names)
    if not 0 < size <= MAX_MEASUREMENT_BYTES or any(len(value) != size for value in values):
        raise ValueError(size)
    return index, values, active


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 3:
        raise ValueError(text)
    return int(text)
