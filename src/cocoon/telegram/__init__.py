"""Private AI in Telegram: a bot, the server of a Mini App, accounts and payments of their users.

It needs ``pip install 'cocoon[telegram]'``. Names for programs of others are imported when they are
first used.
"""
