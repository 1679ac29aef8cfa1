"""LangChain: ``ChatCocoon`` and ``CocoonEmbeddings``; needs the package ``langchain-openai``.

::

    from cocoon.sdk.integrations.langchain import ChatCocoon

    print(ChatCocoon(model="…").invoke("Why is the sky blue?").content)
"""

from typing import Any

from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import SecretStr

from cocoon.sdk.http import BASE_URL, NO_KEY
from cocoon.sdk.integrations.clients import async_http_client, http_client
from cocoon.sdk.sync_transport import TransportClient


class ChatCocoon(ChatOpenAI):
    """A chat model of the network.

    Args:
        cocoon: a connection that :func:`cocoon.transport` made; the process's own when None.
        options: as for ``ChatOpenAI``; Cocoon's own fields go into ``extra_body``.

    Raises:
        ConfigError: nothing was named to connect to, and no devnet runs.
    """

    def __init__(self, *, cocoon: TransportClient | None = None, **options: Any) -> None:
        super().__init__(**_bound(cocoon, options))

    @property
    def _llm_type(self) -> str:
        return "cocoon"


class CocoonEmbeddings(OpenAIEmbeddings):
    """Embeddings of the network; texts are sent as they are, for any model's tokens.

    Args:
        cocoon: a connection that :func:`cocoon.transport` made; the process's own when None.
        options: as for ``OpenAIEmbeddings``.

    Raises:
        ConfigError: nothing was named to connect to, and no devnet runs.
    """

    def __init__(self, *, cocoon: TransportClient | None = None, **options: Any) -> None:
        options.setdefault("check_embedding_ctx_length", False)
        super().__init__(**_bound(cocoon, options))


def _bound(cocoon: TransportClient | None, options: dict[str, Any]) -> dict[str, Any]:
    http = cocoon or http_client()
    return {
        "api_key": SecretStr(NO_KEY),
        "base_url": BASE_URL,
        "max_retries": 0,  # what is late must not be charged twice
        **options,
        "http_client": http,
        "http_async_client": async_http_client(http),
    }
