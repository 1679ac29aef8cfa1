"""Paths of stored responses: there are none."""

from cocoon.gateway.refusal import Refusal

STORED_PREFIX = "/v1/responses/"


def refuse_stored() -> Refusal:
    """The answer to every path below ``/v1/responses/``."""
    return Refusal(
        "Responses are not stored here, so none can be fetched, listed, cancelled or deleted; keep "
        "the answer itself, and send its output items as input to go on from it.",
        status=404,
        code="not_found",
    )
