"""The root configuration of a devnet with simulated TON, in the official file form."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from cocoon.chain.address import Address
from cocoon.chain.boc import to_boc
from cocoon.chain.cells import Builder
from cocoon.devnet.root_plan import RootPlan
from cocoon.devnet.state import write_atomically

SIMULATED_ROOT = Address(hashlib.sha256(b"cocoon devnet root contract").digest())
"""There is no such contract: TON is simulated. The address only goes into other addresses."""
ROOT_CONFIG_FILE = "root.json"
_NOBODY = Address(bytes(32))


def write_root_file(path: Path, plan: RootPlan) -> None:
    """Write it with a version that grows whenever the content changes: nodes adopt only newer."""
    content = _document(plan)
    version = 1
    try:
        old = json.loads(path.read_text())
        old_version = int(old.pop("version"))
        version = old_version if old == content else old_version + 1
    except FileNotFoundError:
        pass
    except (ValueError, KeyError, TypeError, AttributeError):
        pass  # not ours: written anew
    write_atomically(path, json.dumps({**content, "version": version}, indent=2) + "\n")


def _document(plan: RootPlan) -> dict[str, Any]:
    """``rootConfig.pseudo`` (``onchain.md`` §15), without its version."""
    return {
        "proxy_hashes": [_base64(item) for item in sorted(plan.proxy_hashes)],
        "worker_hashes": [_base64(item) for item in sorted(plan.worker_hashes)],
        "model_hashes": [_base64(item) for item in sorted(plan.model_hashes)],
        "model_types": [],
        "registered_proxies": [
            {"seqno": seqno, "address": text} for seqno, text in enumerate(plan.proxies, 1)
        ],
        "price_per_token": plan.price_per_token,
        "worker_fee_per_token": plan.worker_fee_per_token,
        "last_proxy_seqno": len(plan.proxies),
        "params_version": 1,
        "proxy_sc_code": _code(1),
        "worker_sc_code": _code(2),
        "client_sc_code": _code(3),
        "root_owner_address": _NOBODY.friendly(testnet=True),
    }


def _code(number: int) -> str:
    """A small cell in place of a contract's code: it only goes into addresses (§15)."""
    return to_boc(Builder().uint(number, 32).cell()).hex()


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
