"""Private AI in Telegram: a bot, the server of a Mini App, accounts and payments of their users.

It needs ``pip install 'cocoon[telegram]'``. Names that programs of others use are imported when they
are first used.
"""
