"""Builds quotes and collateral of a simulated platform for ``generate_bad_tdx.py``."""

import base64
import hashlib
import json
import secrets
import struct
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from cocoon.devnet import tee_quote
from cocoon.devnet.tee import simulated_measurements
from cocoon.devnet.tee_pki import SimulatedPki, sign_raw
from cocoon.devnet.tee_quote import TEE_TCB_SVN, TEE_TDX, XFAM, td_body

NOW = 1_795_000_000
DAY = 86_400
BEGIN = b"-----BEGIN CERTIFICATE-----"
MEASUREMENTS = simulated_measurements("worker", "1", hashlib.sha512(b"cocoon").digest())
Edit = Callable[[bytearray], None]


def b64(data: bytes) -> str:
    """Standard base64."""
    return base64.b64encode(data).decode()


class Catalogue:
    """Collects cases; platform certificates and collateral are written once each."""

    def __init__(self) -> None:
        self.pki = SimulatedPki.create(NOW, secrets.token_bytes(32))
        self.other = SimulatedPki.create(NOW, secrets.token_bytes(32))
        self.chains: dict[str, str] = {}
        self.collateral: dict[str, dict[str, Any]] = {
            "good": json.loads(self.pki.collateral_json(NOW)),
            "sgx": json.loads(self.pki.collateral_json(NOW, tee="SGX")),
        }
        self.cases: list[dict[str, Any]] = []

    def add(
        self,
        name: str,
        quote: bytes,
        expect: str,
        layer: str = "",
        *,
        source: str,
        collateral: str = "good",
        tee: str = "tdx",
        now: int = NOW,
        status: str | None = None,
    ) -> None:
        """Add one case; ``layer`` starts the message of the error."""
        case: dict[str, Any] = {
            "name": name,
            "source": source,
            "input": {
                "quote": self._parts(quote),
                "collateral": collateral,
                "tee": tee,
                "now": now,
            },
            "expect": expect,
        }
        if layer:
            case["layer"] = layer
        if status:
            case["status"] = status
        self.cases.append(case)

    def _parts(self, quote: bytes) -> list[str]:
        at = quote.find(BEGIN)
        if at < 0:
            return [b64(quote)]
        back = b64(quote[at:])
        name = next((key for key, value in self.chains.items() if value == back), None)
        if name is None:
            name = f"chain{len(self.chains)}"
            self.chains[name] = back
        return [b64(quote[:at]), f"@{name}"]

    def variant(self, name: str, **fields: Any) -> str:
        """Collateral that differs from the good one in these fields."""
        self.collateral[name] = {"from": "good", **fields}
        return name

    def signed(
        self, name: str, part: str, edit: Callable[[dict[str, Any]], None], base: str = "good"
    ) -> str:
        """Collateral with an edited and properly signed part: ``tcb_info`` or ``qe_identity``."""
        content = json.loads(self.collateral[base][part])
        edit(content)
        text = json.dumps(content, separators=(",", ":"))
        signature = sign_raw(self.pki.tcb_signer.key, text.encode()).hex()
        return self.variant(name, **{part: text, f"{part}_signature": signature})


def body(
    attributes: int = 1 << 28, xfam: int = int.from_bytes(XFAM, "little"), **changes: Any
) -> bytes:
    """A domain's report, form 1.0."""
    return td_body(
        replace(MEASUREMENTS, **changes),
        attributes.to_bytes(8, "little"),
        xfam.to_bytes(8, "little"),
    )


def v4(pki: SimulatedPki, content: bytes | None = None) -> bytes:
    """A quote of version 4."""
    return tee_quote.sign_quote(pki, tee_quote.header(4, TEE_TDX) + (content or body()))


def v5(pki: SimulatedPki, kind: int, content: bytes, *, tee: int = TEE_TDX) -> bytes:
    """A quote of version 5."""
    head = struct.pack("<HI", kind, len(content))
    return tee_quote.sign_quote(pki, tee_quote.header(5, tee) + head + content)


def later_body(service: bytes = bytes(48), attributes: int = 1 << 28) -> bytes:
    """A domain's report, form 1.5."""
    return body(attributes) + TEE_TCB_SVN + service


def latest_body(*, vm_index: int = 0, first: bytes = bytes(48), now: bytes = bytes(48)) -> bytes:
    """A domain's report, form 1.5ex."""
    extra = bytes([vm_index]) + bytes(80) + first + bytes(8 + 16 + 16 + 12) + now + bytes(8)
    return later_body() + extra


def edited(quote: bytes, edit: Edit) -> bytes:
    """A copy with changed bytes, not signed again."""
    changed = bytearray(quote)
    edit(changed)
    return bytes(changed)


def put(at: int, value: bytes) -> Edit:
    """An edit that writes bytes at a place."""

    def edit(data: bytearray) -> None:
        data[at : at + len(value)] = value

    return edit
