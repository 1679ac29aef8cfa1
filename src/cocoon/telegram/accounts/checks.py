"""Limits of what names users and movements of money; databases differ in what they refuse."""

import re

from cocoon.errors import BadRequestError
from cocoon.telegram.accounts.values import MAX_REFERENCE

MAX_USER = 2**63 - 1
_reference = re.compile(rf"[\x21-\x7e]{{1,{MAX_REFERENCE}}}")
_language = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")


def check_user(user: int) -> None:
    """Refuse what is no Telegram id of a person.

    Raises:
        BadRequestError: not in 1…2⁶³-1.
    """
    if not 0 < user <= MAX_USER:
        raise BadRequestError("that is not the id of a Telegram user")


def check_reference(reference: str) -> None:
    """Refuse a reference that is not 1 to 160 visible ASCII characters.

    Raises:
        BadRequestError: as said.
    """
    if not _reference.fullmatch(reference):
        raise BadRequestError(f"a reference is 1 to {MAX_REFERENCE} visible ASCII characters")


def clean_language(language: str) -> str:
    """A language code as Telegram tells, at most 16 characters; empty for anything else."""
    return language if len(language) <= 16 and _language.fullmatch(language) else ""
