"""What the stand-in answers instead of a result, in Telegram's words.

Source: https://core.telegram.org/bots/api#making-requests (``error_code``, ``description``) and
https://core.telegram.org/bots/api#responseparameters (``retry_after`` in seconds). Codes are
Telegram's. Its texts are not published as a list and may change: those that bots are known to read
are repeated here word for word, others say the same in its style; none should be parsed.
"""

from typing import Any

from cocoon.errors import CocoonError

Json = dict[str, Any]
"""A JSON object as the Bot API writes it."""


class BotApiError(CocoonError):
    """A refused call.

    Attributes:
        code: the HTTP status, which ``error_code`` repeats.
        description: Telegram's text.
        retry_after: seconds, with 429 only.
    """

    def __init__(self, code: int, description: str, *, retry_after: int | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.retry_after = retry_after

    def body(self) -> Json:
        """The answer's body."""
        body: Json = {"ok": False, "error_code": self.code, "description": self.description}
        if self.retry_after is not None:
            body["parameters"] = {"retry_after": self.retry_after}
        return body


def bad_request(reason: str) -> BotApiError:
    """A call that cannot be done as it was asked (400)."""
    return BotApiError(400, f"Bad Request: {reason}")


def forbidden(reason: str) -> BotApiError:
    """A call that the other side does not let the bot do (403)."""
    return BotApiError(403, f"Forbidden: {reason}")


def too_many(retry_after: int) -> BotApiError:
    """A call beyond the limits (429).

    Args:
        retry_after: seconds for which every further call is refused too.
    """
    text = f"Too Many Requests: retry after {retry_after}"
    return BotApiError(429, text, retry_after=retry_after)


def not_implemented(what: str) -> BotApiError:
    """Something that Telegram has and the stand-in does not: said, never passed over."""
    return BotApiError(404, f"Not Found: the stand-in does not have {what}")
