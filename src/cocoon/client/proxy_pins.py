"""What a caller demands of the proxy that sees one request, beyond the network's own rules.

A pin narrows: the root contract's lists and the policy of the connection hold as well. The model
is pinned by its full name, ``name@commit:hash``, in :attr:`ClientRequest.model`.
"""

from dataclasses import dataclass

from cocoon.errors import PolicyError


@dataclass(frozen=True, slots=True)
class ProxyPins:
    """Demands of one request. None does not restrict; an empty set accepts nobody.

    Attributes:
        proxy_images: image hashes of acceptable proxies, lower-case hex of 32 bytes each.
        evidence: acceptable kinds of evidence of the proxy, such as ``tdx`` or ``snp``.
        operators: public keys of acceptable operators of the proxy's machine, lower-case hex of 32
            bytes each; one that no operator endorses is not acceptable.
    """

    proxy_images: frozenset[str] | None = None
    evidence: frozenset[str] | None = None
    operators: frozenset[str] | None = None

    def accept(self, image_hash: str, evidence: str, operator: str = "") -> bool:
        """Whether a proxy meets them.

        Args:
            image_hash: lower-case hex.
            evidence: kind of the evidence.
            operator: public key of the operator who endorses the machine, lower-case hex; empty
                when none was proven.
        """
        if self.proxy_images is not None and image_hash not in self.proxy_images:
            return False
        if self.operators is not None and operator not in self.operators:
            return False
        return self.evidence is None or evidence in self.evidence

    def refusal(self) -> PolicyError:
        """The error for a request that no connected proxy may see."""
        wanted = []
        if self.proxy_images is not None:
            wanted.append(f"image {', '.join(sorted(self.proxy_images)) or '(none)'}")
        if self.evidence is not None:
            wanted.append(f"evidence {', '.join(sorted(self.evidence)) or '(none)'}")
        if self.operators is not None:
            wanted.append(f"operator {', '.join(sorted(self.operators)) or '(none)'}")
        return PolicyError(
            f"no connected proxy meets the request's pins: {'; '.join(wanted)}"[:500],
            fix="pin what `GET /v1/models` or an earlier answer's headers name, or pin nothing",
        )


NO_PINS = ProxyPins()
