"""Commands that Telegram lists behind "/"; ``commands.NAME`` of the texts describes each."""

COMMANDS = (
    "new",
    "settings",
    "privacy",
    "balance",
    "topup",
    "usage",
    "translate",
    "summarize",
    "stop",
    "help",
    "export",
    "paysupport",
    "terms",
    "forget",
)
