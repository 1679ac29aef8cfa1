"""Private AI for bots of others: :class:`cocoon.telegram.PrivateAI`."""
