"""``cocoon.Client``: the ``openai`` package's client, bound to the network."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2
import openai
from openai import NotGiven, not_given

from cocoon.client.api import InferenceClient
from cocoon.client.settings import ClientSettings
from cocoon.errors import ConfigError
from cocoon.gateway.settings import GatewaySettings
from cocoon.sdk.balance import Balance, read_balance
from cocoon.sdk.http import BASE_URL, NO_KEY
from cocoon.sdk.quote import CHAT, Quote, quote_body
from cocoon.sdk.session import CONNECT_TIMEOUT
from cocoon.sdk.sync_transport import SyncTransport, TransportClient, transport
from cocoon.sdk.verification import Verification
from cocoon.sdk.verifying import verify_session

VERIFY_TIMEOUT = 120.0
"""Seconds for a verification: a proxy may ask for a hard proof of work."""


class Client(openai.OpenAI):
    """Private inference with the calls of ``openai.OpenAI``, without a gateway beside it.

    ::

        with cocoon.Client() as ai:
            print(ai.quote(model=..., messages=..., max_tokens=200))
            answer = ai.chat.completions.create(model=..., messages=..., max_tokens=200)
            print(answer.choices[0].message.content, cocoon.cost_of(answer))

    A request whose answer is late is not repeated, because it may be charged; what never left is,
    ``max_retries`` times. Any thread may use a client. Close it when done.

    Args:
        devnet, config, settings, client, gateway, connect_timeout: as for :func:`transport`.
        http_client: a client that :func:`transport` made, instead of all these.
        timeout, max_retries, default_headers, default_query: as for ``openai.OpenAI``.
        others: further arguments of ``openai.OpenAI``; none is needed.

    Raises:
        ConfigError: what is named is missing or wrong.
    """

    def __init__(
        self,
        *,
        devnet: str | Path | None = None,
        config: str | Path | None = None,
        settings: ClientSettings | None = None,
        client: InferenceClient | None = None,
        gateway: GatewaySettings | None = None,
        connect_timeout: float = CONNECT_TIMEOUT,
        http_client: httpx2.Client | None = None,
        api_key: str | Any | None = None,
        base_url: str | httpx2.URL | NotGiven | None = None,
        timeout: float | httpx2.Timeout | NotGiven | None = not_given,
        max_retries: int = openai.DEFAULT_MAX_RETRIES,
        default_headers: Mapping[str, str] | None = None,
        default_query: Mapping[str, object] | None = None,
        **others: Any,
    ) -> None:
        if http_client is None:
            http_client = transport(
                devnet=devnet,
                config=config,
                settings=settings,
                client=client,
                gateway=gateway,
                connect_timeout=connect_timeout,
            )
        if not isinstance(http_client, TransportClient):
            raise ConfigError("http_client: only what cocoon.transport() makes reaches the network")
        self._network = http_client.network
        super().__init__(
            api_key=api_key or NO_KEY,
            base_url=base_url if isinstance(base_url, str | httpx2.URL) else BASE_URL,
            timeout=timeout,
            max_retries=max_retries,
            default_headers=default_headers,
            default_query=default_query,
            http_client=http_client,
            **others,
        )

    @property
    def network(self) -> SyncTransport:
        """The transport behind it."""
        return self._network

    def quote(self, *, endpoint: str = CHAT, **request: Any) -> Quote:
        """What a request can cost at most; nothing is sent to anybody.

        Args:
            endpoint: path that the request is for, such as ``/embeddings``.
            request: arguments as for that endpoint's method, ``extra_body`` included.

        Raises:
            openai.APIStatusError: as the request itself would, where it is wrong.
        """
        return self.post("/quote", body=quote_body(endpoint, request), cast_to=Quote)

    def balance(self) -> Balance:
        """What is prepaid at each proxy, and what of it is used.

        Raises:
            UnavailableError: no proxy is connected.
        """
        return self._network.call(read_balance, VERIFY_TIMEOUT)

    def verify(self) -> Verification:
        """Verify every connected proxy now, step by step; print the result to read it.

        Raises:
            UnavailableError: no proxy is connected.
        """
        return self._network.call(verify_session, VERIFY_TIMEOUT)

    def _send_request(self, request: httpx2.Request, **kwargs: Any) -> httpx2.Response:
        try:
            return super()._send_request(request, **kwargs)
        except httpx2.TimeoutException as error:
            # The package repeats what is late; here that could be charged twice.
            raise openai.APITimeoutError(request=request) from error

    def __enter__(self) -> Self:
        return super().__enter__()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        super().__exit__(exc_type, exc, exc_tb)
