"""What a verification established, as typed three-valued claims.

A claim that could not be decided is ``unknown``, never silently true: code that needs a property
asks for ``proven`` and treats everything else as missing.
"""

from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """The value of one claim."""

    PROVEN = "proven"
    REFUTED = "refuted"
    UNKNOWN = "unknown"


class ClaimName(Enum):
    """The properties that a verification speaks about."""

    KEY_BOUND = "key_bound"
    """The evidence was made for the public key of the certificate."""
    GENUINE_HARDWARE = "genuine_hardware"
    """The evidence is signed by hardware under a production vendor root."""
    NOT_DEBUG = "not_debug"
    """The host cannot read the guest's memory through a debug interface."""
    TCB_CURRENT = "tcb_current"
    """Firmware and microcode are at a level the vendor calls up to date."""
    IMAGE_ALLOWED = "image_allowed"
    """The software image is one that the policy lists."""
    GPU_GENUINE = "gpu_genuine"
    """The GPUs proved themselves as well, to this machine and in confidential mode."""
    FRESH = "fresh"
    """What the hardware signed says when it was made and until when it counts."""
    OPERATOR_ALLOWED = "operator_allowed"
    """An operator whom the policy lists vouches for this one machine."""
    MODEL_BOUND = "model_bound"
    """What the hardware signed names the model that the machine serves."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One property with its verdict and, for people, the reason and what to do about it."""

    name: ClaimName
    verdict: Verdict
    reason: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Claims:
    """All claims about one peer; a name that is not listed is unknown."""

    items: tuple[Claim, ...] = ()

    def get(self, name: ClaimName) -> Claim:
        """The claim of this name, ``unknown`` when the verification said nothing about it."""
        for claim in self.items:
            if claim.name is name:
                return claim
        return Claim(name, Verdict.UNKNOWN, "the verification did not look at it")

    def is_proven(self, name: ClaimName) -> bool:
        """Whether the claim is proven; unknown and refuted are both False."""
        return self.get(name).verdict is Verdict.PROVEN


def proven(name: ClaimName, reason: str) -> Claim:
    """A claim that holds."""
    return Claim(name, Verdict.PROVEN, reason)


def refuted(name: ClaimName, reason: str, fix: str = "") -> Claim:
    """A claim that was found false, and what its owner can do."""
    return Claim(name, Verdict.REFUTED, reason, fix)


def unknown(name: ClaimName, reason: str, fix: str = "") -> Claim:
    """A claim that nothing decides, and what would decide it."""
    return Claim(name, Verdict.UNKNOWN, reason, fix)
