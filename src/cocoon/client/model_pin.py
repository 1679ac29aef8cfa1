"""Pinned models: a request that names ``name@commit:hash`` is for exactly this model.

Three parties check it. We refuse what the root contract does not list, a proxy routes to a worker
that declares the string, and the worker compares it with what it has proven at start. Official
proxies and workers know base names only; they refuse, and nothing else is served instead.
"""

from cocoon.chain.root_config import RootConfig
from cocoon.errors import BadRequestError, RequestError, UnknownModelError
from cocoon.model.name import is_pinned


def check_pin(model: str, root: RootConfig) -> None:
    """Refuse a pinned model that the network does not list.

    Raises:
        UnknownModelError: it is not in the root configuration.
    """
    if is_pinned(model) and not root.allows_model(model):
        raise UnknownModelError(
            "the root contract does not list this model; a pinned one is NAME@COMMIT:HASH, "
            "exactly as it is listed"
        )


def explain_pin(error: RequestError, model: str) -> RequestError:
    """The same error, saying who cannot serve pinned models where that may be the reason."""
    about_model = isinstance(error, UnknownModelError) or (
        isinstance(error, BadRequestError) and "model" in str(error)
    )
    if not is_pinned(model) or not about_model:
        return error
    return type(error)(
        f"{error} (the model is pinned, which official proxies and workers do not serve)"
    )
