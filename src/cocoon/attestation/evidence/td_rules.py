"""Which trust domains may hold secrets: attributes, features and service domains.

Image hashes do not cover these (``attestation.md`` §12.1), so they are checked always, whatever
the policy. The bits are those of Intel's TDX module ABI specification (ATTRIBUTES, XFAM).
"""

from cocoon.attestation.evidence.tdx_quote import TdBody
from cocoon.errors import EvidenceError

DEBUG = 1 << 0
UNDER_DEBUG = 0xFF
"""The whole group "TD under debug": any of these makes the domain untrusted."""
SERVICE_TD_EXTENDED = 1 << 17
SEPT_VE_DISABLE = 1 << 28
MIGRATABLE = 1 << 29

_HARMLESS_BITS = (16, 27, 28, 30, 31, 62, 63)
"""Single-step defence, LASS, SEPT_VE_DISABLE, PKS, Key Locker, provisioning agent, PERFMON."""
HARMLESS = sum(1 << bit for bit in _HARMLESS_BITS)

XFAM_REQUIRED = 0x3
"""x87 and SSE: the module makes no domain without them."""
XFAM_KNOWN = 0x6DBE7
"""Every feature that the TDX module lets a domain have; other bits must be zero."""

_NO_SERVICE_TD = bytes(48)
_IMAGE_FIX = "the operator starts the virtual machine with production settings"


def require_production_domain(body: TdBody) -> None:
    """Refuse what lets a host read, change or move the guest.

    Raises:
        EvidenceError: the domain is under debug, can be migrated, is bound to service domains,
            lets its host inject exceptions, or has bits set that nobody has explained.
    """
    _require_attributes(body.attributes)
    if body.mr_service_td not in (None, _NO_SERVICE_TD):
        raise _refused("bound to a service domain, which may migrate it")
    extension = body.extension
    if extension is not None:
        bound = (extension.first_service_td, extension.service_td)
        if any(value != _NO_SERVICE_TD for value in bound):
            raise _refused("bound to a service domain, which may migrate it")
        if extension.vm_index:
            raise _refused("only a part of a partitioned domain")
    if body.xfam & XFAM_REQUIRED != XFAM_REQUIRED or body.xfam & ~XFAM_KNOWN:
        raise _refused(f"its processor features (XFAM {body.xfam:#x}) are impossible or unknown")


def _require_attributes(attributes: int) -> None:
    if attributes & DEBUG:
        raise _refused("it runs in DEBUG mode: its host can read its memory")
    if attributes & UNDER_DEBUG:
        raise _refused("it is under debug or profiled by its host")
    if attributes & MIGRATABLE:
        raise _refused("it can be migrated to another machine")
    if attributes & SERVICE_TD_EXTENDED:
        raise _refused("it may be bound to service domains")
    if not attributes & SEPT_VE_DISABLE:
        raise _refused("it lets its host inject #VE (SEPT_VE_DISABLE is clear)")
    if attributes & ~HARMLESS:
        raise _refused(f"reserved attribute bits are set ({attributes & ~HARMLESS:#x})")


def _refused(reason: str) -> EvidenceError:
    return EvidenceError(f"trust domain: {reason}", fix=_IMAGE_FIX)
