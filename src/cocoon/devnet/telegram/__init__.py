"""A stand-in for Telegram's servers and apps on this machine, for tests and for trying a bot.

Nothing in :mod:`cocoon.telegram` imports this: a bot meets it only where its settings name its
address.
"""
