"""The Telegram bot: what it hears, what it says, and how both fit into Telegram's limits.

Everything in here may import aiogram; nothing outside of it and of the stand-in may.
"""
