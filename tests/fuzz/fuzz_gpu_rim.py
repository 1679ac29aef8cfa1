"""NVIDIA's manifests from strangers: XML that only ever says what was signed.

Besides bytes, whole elements are moved, copied, emptied and renamed: the ways in which a signature
is made to cover something else than what is read.
"""

import copy

from lxml import etree

from cocoon.attestation.evidence.nvidia_rim import RimDocument
from cocoon.devnet.gpu_pki import GpuPki
from cocoon.devnet.gpu_report import GpuSoftware, driver_rim
from cocoon.errors import EvidenceError

NOW = 1_795_000_000
MAX_STEPS = 6
XML = driver_rim(GpuPki.from_seed(bytes(range(32)), NOW - 86_400).rim_signer, GpuSoftware())
HONEST = RimDocument.from_xml(XML)


def patched(data: bytes) -> list[bytes]:
    at = int.from_bytes(data[:2], "big") % len(XML)
    patch = data[2:]
    return [data, XML[:at] + patch + XML[at:], XML[:at] + patch + XML[at + len(patch) :]]


def rebuilt(data: bytes) -> bytes:
    """Three bytes a step: what to do, with which element, where."""
    root = etree.fromstring(XML)
    for at in range(0, min(len(data) - 2, MAX_STEPS * 3), 3):
        what, first, second = data[at : at + 3]
        nodes = list(root.iter())
        one, other = nodes[first % len(nodes)], nodes[second % len(nodes)]
        try:
            root = step(what % 8, root, one, other)
        except (ValueError, TypeError, AttributeError):
            continue
    return bytes(etree.tostring(root))


def step(what: int, root: etree._Element, one: etree._Element, other: etree._Element):  # type: ignore[no-untyped-def]
    if what == 0:
        one.getparent().remove(one)
    elif what == 1:
        other.append(copy.deepcopy(one))
    elif what == 2:
        other.append(one)
    elif what == 3:
        other.insert(0, etree.Comment("x"))
    elif what == 4:
        other.insert(0, etree.ProcessingInstruction("x", "y"))
    elif what == 5:
        one.text = (one.text or "") + " "
    elif what == 6:
        one.tag = "{x}" + etree.QName(one).localname
    else:
        wrapped = etree.Element(root.tag, dict(root.attrib))
        wrapped.append(root)
        return wrapped
    return root


def fuzz_one(data: bytes) -> None:
    for xml in (*patched(data), rebuilt(data)):
        try:
            found = RimDocument.from_xml(xml)
        except EvidenceError:
            continue
        if found != HONEST:
            raise AssertionError("a changed manifest says something else")


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
