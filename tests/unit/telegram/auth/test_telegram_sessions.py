"""Sessions: a token is good for one user until it ends, and only from this service."""

import base64

import pytest

from cocoon.errors import ConfigError, LoginError, StoreError
from cocoon.telegram.auth.init_data import InitDataKeys
from cocoon.telegram.auth.login import Login
from cocoon.telegram.auth.sessions import Session, Sessions, session_key
from cocoon.testing.signed_init_data import PUBLIC_KEY, TOKEN, init_data

KEY = bytes(32)
NOW = 1_800_000_000.0
NONCE = "n" * 22


def reason(sessions: Sessions, token: str, now: float = NOW) -> str:
    with pytest.raises(LoginError) as caught:
        sessions.check(token, now)
    if len(token) > 20:
        assert token not in str(caught.value)
    return caught.value.reason


def test_a_token_says_who_and_until_when() -> None:
    sessions = Sessions(KEY, 60.0)
    token, session = sessions.issue(42, NOW)
    assert session == Session(42, int(NOW) + 60)
    assert sessions.check(token, NOW + 59) == session
    assert reason(sessions, token, NOW + 60) == "expired"


def test_two_tokens_of_one_moment_differ() -> None:
    sessions = Sessions(KEY, 60.0)
    assert sessions.issue(42, NOW)[0] != sessions.issue(42, NOW)[0]


def test_every_changed_bit_is_forged() -> None:
    sessions = Sessions(KEY, 60.0)
    token, _ = sessions.issue(42, NOW)
    data = base64.urlsafe_b64decode(token + "==")
    for bit in range(8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        assert reason(sessions, base64.urlsafe_b64encode(changed).decode()) == "forged"


@pytest.mark.parametrize("token", ["", ".", "a", "ä" * 96, "A" * 85, "A" * 86, "A" * 10_000, "\0"])
def test_nonsense_is_forged(token: str) -> None:
    assert reason(Sessions(KEY, 60.0), token) == "forged"


def test_a_shortened_token_is_forged() -> None:
    sessions = Sessions(KEY, 60.0)
    token, _ = sessions.issue(42, NOW)
    assert all(reason(sessions, token[:size]) == "forged" for size in range(len(token) - 1))


def test_other_services_tokens_are_forged() -> None:
    mine = Sessions(session_key(TOKEN, b"a" * 32), 60.0)
    for other in (session_key(TOKEN + "x", b"a" * 32), session_key(TOKEN, b"b" * 32)):
        token, _ = Sessions(other, 60.0).issue(42, NOW)
        assert reason(mine, token) == "forged"
    token, _ = Sessions(session_key(TOKEN, b"a" * 32), 60.0).issue(42, NOW)
    assert mine.check(token, NOW).user == 42


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ConfigError):
        Sessions(b"short", 60.0)


class Remembered:
    def __init__(self) -> None:
        self.rows: dict[str, tuple[str, int]] = {}

    async def remember_login(self, hash: str, nonce: str, expires: int) -> bool:  # noqa: A002
        return self.rows.setdefault(hash, (nonce, expires))[0] == nonce


def login(logins: Remembered, now: float = NOW) -> Login:
    keys = InitDataKeys.of_bot(TOKEN, PUBLIC_KEY)
    return Login(keys, Sessions(KEY, 60.0), logins, 3600.0, lambda: now)


@pytest.mark.anyio
async def test_logging_in() -> None:
    logins = Remembered()
    one = await login(logins).login(init_data(int(NOW)), NONCE)
    assert login(logins).check(one.token) == one.session
    assert (one.session.user, one.init_data.first_name) == (42, "Ann")
    assert one.token not in repr(one)
    # Remembered for longer than the initData could ever be used.
    assert [expires > NOW + 3600 + 30 for _, expires in logins.rows.values()] == [True]


@pytest.mark.anyio
async def test_the_same_device_may_log_in_again_and_no_other() -> None:
    logins, raw = Remembered(), init_data(int(NOW))
    await login(logins).login(raw, NONCE)
    await login(logins, NOW + 60).login(raw, NONCE)
    for stolen in (raw, "&".join(reversed(raw.split("&")))):
        with pytest.raises(LoginError) as caught:
            await login(logins).login(stolen, "m" * 22)
        assert caught.value.reason == "replayed"


@pytest.mark.anyio
@pytest.mark.parametrize("nonce", ["", "short", "n" * 65, "n" * 21 + "\n", "ä" * 22, "a b" * 8])
async def test_a_nonce_that_is_none(nonce: str) -> None:
    logins = Remembered()
    with pytest.raises(LoginError) as caught:
        await login(logins).login(init_data(int(NOW)), nonce)
    assert caught.value.reason == "malformed"
    assert not logins.rows


@pytest.mark.anyio
async def test_what_does_not_verify_is_not_remembered() -> None:
    logins = Remembered()
    with pytest.raises(LoginError):
        await login(logins).login(init_data(int(NOW)) + "0", NONCE)
    with pytest.raises(LoginError):
        await login(logins).login(init_data(int(NOW) - 7200), NONCE)
    assert not logins.rows


@pytest.mark.anyio
async def test_nobody_gets_in_while_the_store_does_not_work() -> None:
    class Broken(Remembered):
        async def remember_login(self, hash: str, nonce: str, expires: int) -> bool:  # noqa: A002
            raise StoreError("the store does not work")

    with pytest.raises(StoreError):
        await login(Broken()).login(init_data(int(NOW)), NONCE)
