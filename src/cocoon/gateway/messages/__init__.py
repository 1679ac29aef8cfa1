"""Anthropic's Messages API, as a translation over chat completions."""

from cocoon.gateway.messages.errors import ANTHROPIC
from cocoon.gateway.messages.request import read_messages

__all__ = ["ANTHROPIC", "read_messages"]
