"""The state of NVIDIA's certificates: OCSP (RFC 6960) requests and answers, without a network."""

MAX_OCSP_REQUEST_BYTES = 512
MAX_OCSP_RESPONSE_BYTES = 8192


def response_expiry(response: bytes) -> int:
    """Unix seconds until which an OCSP answer counts; its signature is not looked at.

    Raises:
        EvidenceError: it is not an OCSP answer with one status.
    """
    raise NotImplementedError
