"""A worker's refusal of a body as OpenAI would tell it: which field, and what is wrong with it.

What a worker says is a text of the forms in :mod:`cocoon.wire.refusals`, which official workers
write too.
"""

from typing import Final

from cocoon.wire.refusals import param_of

_CODES: Final = (
    ("unknown option '", "unsupported_parameter"),
    ("': this worker's engine", "unsupported_parameter"),
    ("' is missing", "missing_required_parameter"),
    ("' must ", "invalid_value"),
)


def param_and_code(text: str) -> tuple[str | None, str | None]:
    """OpenAI's ``param`` and ``code`` for a worker's text; None where it does not tell them."""
    param = param_of(text)
    if param is None:
        return None, None
    return param, next((code for words, code in _CODES if words in text), "invalid_value")
