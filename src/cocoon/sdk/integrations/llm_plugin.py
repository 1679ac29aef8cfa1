"""The command ``llm``: the network's models; an entry point of its plug-ins.

With ``COCOON_CONFIG`` set, or a devnet running, ``llm models`` lists what proxies offer::

    llm -m cocoon/MODEL "Why is the sky blue?"

``COCOON_LLM_MODELS`` names models, separated by commas, instead of asking the network for them.
"""

import os
from collections.abc import Callable
from typing import Any

import llm
import openai
from llm.default_plugins.openai_models import AsyncChat, Chat

from cocoon.errors import CocoonError
from cocoon.sdk.integrations.clients import async_openai, http_client, sync_openai

MODELS_VARIABLE = "COCOON_LLM_MODELS"
PREFIX = "cocoon/"
DISCOVERY_TIMEOUT = 10.0
"""Seconds that the command waits to learn what models there are."""
MAX_MODELS = 200


class CocoonChat(Chat):
    """A model of the network."""

    needs_key = None
    key_env_var = None

    def get_client(self, key: object, *, async_: bool = False) -> Any:
        """The process's connection instead of an HTTP one; there is no key."""
        del key
        return async_openai(http_client()) if async_ else sync_openai(http_client())

    def __str__(self) -> str:
        return f"Cocoon: {self.model_id}"


class AsyncCocoonChat(AsyncChat):
    """The same for coroutines."""

    needs_key = None
    key_env_var = None
    get_client = CocoonChat.get_client
    __str__ = CocoonChat.__str__


@llm.hookimpl
def register_models(register: Callable[..., None]) -> None:
    """Tell ``llm`` the models; none where nothing can be connected to."""
    for name in _models():
        options = {"model_name": name, "supports_schema": True, "supports_tools": True}
        chat = CocoonChat(f"{PREFIX}{name}", **options)
        register(chat, AsyncCocoonChat(f"{PREFIX}{name}", **options))


def _models() -> list[str]:
    named = os.environ.get(MODELS_VARIABLE)
    if named is not None:
        return [name.strip() for name in named.split(",") if name.strip()][:MAX_MODELS]
    try:
        client = sync_openai(http_client()).with_options(timeout=DISCOVERY_TIMEOUT, max_retries=0)
        return [model.id for model in client.models.list().data][:MAX_MODELS]
    except (CocoonError, openai.OpenAIError):
        return []  # other models of the command must go on working
