"""The HTTP server of a Telegram service: Mini App, its API, webhook and operators' page."""
