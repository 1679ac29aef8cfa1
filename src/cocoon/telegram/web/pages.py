"""What is asked without a session: the app's configuration, health, metrics, Telegram's webhook."""

import hmac
from urllib.parse import urlsplit

from cocoon.errors import BadRequestError
from cocoon.telegram.web.calls import Call, Journal
from cocoon.telegram.web.deps import WebDeps, Webhook
from cocoon.telegram.web.failures import ApiError
from cocoon.telegram.web.shapes import ConfigAnswer

MAX_UPDATE = 2**20
"""Bytes of one update; Telegram's largest have some ten thousand."""
ICON = "icon.png"
METRICS = b"text/plain; version=0.0.4; charset=utf-8"


class Pages:
    """Answers for everybody.

    Args:
        deps: of the server.
        journal: of refusals.
    """

    def __init__(self, deps: WebDeps, journal: Journal) -> None:
        self._deps = deps
        self._journal = journal

    async def config(self, call: Call) -> None:
        """``GET /app/config.json``."""
        settings = self._deps.settings
        await call.answer(
            ConfigAnswer(
                title=settings.app.title,
                bot_id=settings.bot.bot_id,
                stand_in=settings.is_stand_in,
                stand_in_wallet=settings.app.stand_in_wallet,
                ton_network=self._deps.ton_network,
            )
        )

    async def manifest(self, call: Call) -> None:
        """``GET /app/tonconnect-manifest.json``: what wallets show of the app; for all origins.

        Source: https://docs.ton.org/v3/guidelines/ton-connect/guidelines/creating-manifest.
        """
        url = self._deps.settings.app.url
        if url is None:
            raise ApiError("not_found", "there is no Mini App", status=404, action=None)
        parts = urlsplit(url)
        base = f"{parts.scheme}://{parts.netloc}"
        shown = {
            "url": base,
            "name": self._deps.settings.app.title,
            "iconUrl": f"{base}/app/{ICON}",
        }
        call.extra[:] = [one for one in call.extra if one[0] not in _CLOSED]
        call.extra.append((b"access-control-allow-origin", b"*"))
        call.extra.append((b"cross-origin-resource-policy", b"cross-origin"))
        await call.answer(shown)

    async def health(self, call: Call) -> None:
        """``GET /healthz``."""
        good = self._deps.healthy()
        await call.answer({"status": "ok" if good else "failing"}, 200 if good else 503)

    async def metrics(self, call: Call) -> None:
        """``GET /metrics``; the route is only there where the service makes some."""
        assert self._deps.metrics is not None
        await call.reply(200, self._deps.metrics(), METRICS)

    async def webhook(self, call: Call, hook: Webhook, given: bytes) -> None:
        """``POST /telegram/webhook``: one update, kept before Telegram is told.

        Args:
            call: that Telegram, or somebody else, makes.
            hook: where updates go.
            given: the secret that the call carries, or nothing.
        """
        # Before a byte of the body is read: strangers cost nothing.
        if not hmac.compare_digest(given, hook.secret.encode()):
            self._journal.note("webhook refused", "webhook_secret", request_id=call.request_id)
            await call.reply(401, b"", headers=[(b"connection", b"close")])
            return
        try:
            await hook.take(await call.body(MAX_UPDATE))
        except BadRequestError as error:
            if isinstance(error, ApiError) and error.status == 408:
                raise
            # Telegram would send it again and again, and everything behind it would wait.
            self._journal.note("update refused", "update_invalid", request_id=call.request_id)
        await call.answer({})


_CLOSED = frozenset({b"cross-origin-resource-policy"})
