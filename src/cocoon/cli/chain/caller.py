"""Calls of one command to a running chain."""

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from cocoon.errors import ChainDataError, ChainError, ConfigError

TIMEOUT = 30.0
MAX_ANSWER = 16 << 20


class ChainCaller:
    """Asks the control interface of an embedded chain.

    Args:
        url: base URL of the chain, without a slash at the end.

    Raises:
        ConfigError: it is no such URL.
    """

    def __init__(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        except ValueError:
            usable = False
        if not usable:
            raise ConfigError(f"not the URL of a chain: {url}; write it as http://HOST:PORT")
        self.url = url
        # The chain is on this machine or in its network: what proxies there are is not asked.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def get(self, path: str, **arguments: Any) -> Any:
        """A page below ``/devnet/``.

        Raises:
            ChainError: the chain does not answer, or says no; with its reason.
            ChainDataError: what answers is no embedded chain.
        """
        given = {name: value for name, value in arguments.items() if value is not None}
        query = f"?{urlencode(given)}" if given else ""
        return self._call(f"{self.url}/devnet/{quote(path)}{query}", None)

    def post(self, path: str, **arguments: Any) -> Any:
        """Likewise of a change; raises as :meth:`get`."""
        given = {name: value for name, value in arguments.items() if value is not None}
        return self._call(f"{self.url}/devnet/{quote(path)}", json.dumps(given).encode())

    def _call(self, url: str, body: bytes | None) -> Any:
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(url, body, headers)  # noqa: S310 - checked above
        try:
            with self._opener.open(request, timeout=TIMEOUT) as answer:
                return self._read(answer.read(MAX_ANSWER))
        except urllib.error.HTTPError as error:
            with error:
                raise ChainError(self._reason(error.code, error.read(MAX_ANSWER))) from None
        except (OSError, urllib.error.URLError) as error:
            reason = getattr(error, "reason", error)
            raise ChainError(f"no chain answers at {self.url}: {reason}") from None

    def _read(self, body: bytes) -> Any:
        try:
            return json.loads(body)
        except ValueError:
            raise ChainDataError(f"what answers at {self.url} is no embedded chain") from None

    def _reason(self, status: int, body: bytes) -> str:
        try:
            reason = json.loads(body)["error"]
            if isinstance(reason, str):
                return reason
        except (ValueError, KeyError, TypeError):
            pass
        return f"{self.url} answers with HTTP status {status}; is it an embedded chain?"
