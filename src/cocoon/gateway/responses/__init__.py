"""OpenAI's Responses API over chat completions; nothing is stored.

:func:`read_response` turns a call into a chat completion for the network, and
:class:`~cocoon.gateway.responses.shape.ResponseShape` turns its answer into a ``response``
object or into the API's typed events. See ``docs/reference/responses.md`` for what is translated,
what is refused and why.
"""

from cocoon.gateway.responses.request import read_response
from cocoon.gateway.responses.stored import STORED_PREFIX, refuse_stored

__all__ = ["STORED_PREFIX", "read_response", "refuse_stored"]
