"""Which endpoints and models a key is for."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

ADMIN = "admin"
USAGE_READ = "usage:read"
INFERENCE = "inference"
GROUPS = (
    "audio",
    "chat",
    "completions",
    "embeddings",
    "images",
    "messages",
    "moderations",
    "rerank",
    "responses",
    "tokenize",
)
SCOPES = (INFERENCE, *GROUPS, USAGE_READ, ADMIN)
"""``inference`` is all groups of endpoints; ``usage:read`` shows a key its own budget and spending;
``admin`` is the admin API and everything that shows or moves what belongs to all."""
DEFAULT_SCOPES = (INFERENCE, USAGE_READ)
MAX_MODELS = 100
MAX_MODEL_GLOB = 200


def group_of(path: str) -> str:
    """The group of an endpoint: what follows ``/v1`` in its path, up to the next slash."""
    return path.removeprefix("/v1").strip("/").partition("/")[0]


def allows_endpoint(scopes: Sequence[str], path: str) -> bool:
    """Whether a key with ``scopes`` may call ``path``."""
    return INFERENCE in scopes or group_of(path) in scopes


def allows_model(globs: Sequence[str], model: str) -> bool:
    """Whether a key for ``globs`` may use a model; without globs it may use every one.

    A glob is compared with the whole name and with the part before ``@``, so that ``demo`` also
    allows a pinned ``demo@commit:hash``.
    """
    if not globs:
        return True
    base = model.partition("@")[0]
    return any(fnmatchcase(model, glob) or fnmatchcase(base, glob) for glob in globs)
