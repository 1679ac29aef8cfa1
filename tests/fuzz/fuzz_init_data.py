"""Any initData and any session token is taken or refused with our own error, never otherwise."""

from cocoon.errors import LoginError
from cocoon.telegram.auth.init_data import MAX_USER, InitDataKeys, check_init_data
from cocoon.telegram.auth.sessions import Sessions
from cocoon.testing.signed_init_data import BOT_ID, PUBLIC_KEY, TOKEN, signed

NOW = 1_800_000_000
KEYS = (
    InitDataKeys.of_bot(TOKEN, PUBLIC_KEY),
    InitDataKeys(BOT_ID, TOKEN, None),
    InitDataKeys(BOT_ID, "", PUBLIC_KEY),
)
SESSIONS = Sessions(bytes(32), 60.0)


def fuzz_one(data: bytes) -> None:
    """Feed one input as initData, as fields that are signed rightly, and as a token."""
    text = data.decode("utf-8", "replace")
    assert not _taken(data.decode("latin-1"))
    assert not _taken(text)
    _signed(text)
    try:
        SESSIONS.check(text, NOW)
    except LoginError:
        return
    raise AssertionError("a made-up token was taken")


def _taken(raw: str) -> bool:
    return any(_reason(raw, keys) is None for keys in KEYS)


def _signed(text: str) -> None:
    user, _, more = text.partition("\x1f")
    raw = signed({"user": user, "auth_date": str(NOW), "start_param": more})
    for keys in KEYS:
        reason = _reason(raw, keys)
        assert reason in (None, "malformed")
        if reason is None:
            said = check_init_data(raw, keys, NOW, 3600.0)
            assert 0 < said.user < MAX_USER
            assert said.start_param == more


def _reason(raw: str, keys: InitDataKeys) -> str | None:
    """Why it is refused; None where it is taken."""
    try:
        check_init_data(raw, keys, NOW, 3600.0)
    except LoginError as error:
        return error.reason
    return None


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
