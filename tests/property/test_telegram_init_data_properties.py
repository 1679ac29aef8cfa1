"""Any initData is either what Telegram signed, word for word, or refused."""

from urllib.parse import quote

from hypothesis import assume, given
from hypothesis import strategies as st

from cocoon.errors import LoginError
from cocoon.telegram.auth.init_data import InitDataKeys, check_init_data
from cocoon.telegram.auth.sessions import Sessions
from cocoon.testing.signed_init_data import BOT_ID, PUBLIC_KEY, TOKEN, init_data, person, signed

NOW = 1_800_000_000
KEYS = (
    InitDataKeys.of_bot(TOKEN, PUBLIC_KEY),
    InitDataKeys(BOT_ID, TOKEN, None),
    InitDataKeys(BOT_ID, "", PUBLIC_KEY),
)
GOOD = init_data(NOW)
names = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)


def is_taken(raw: str, keys: InitDataKeys) -> bool:
    try:
        check_init_data(raw, keys, NOW, 3600.0)
    except LoginError:
        return False
    return True


@given(st.integers(1, 2**52 - 1), names, st.sampled_from(KEYS))
def test_whoever_telegram_names_is_who_logs_in(
    user: int, first_name: str, keys: InitDataKeys
) -> None:
    raw = signed({"user": person(user, first_name), "auth_date": str(NOW)})
    said = check_init_data(raw, keys, NOW, 3600.0)
    assert (said.user, said.first_name) == (user, first_name)


@given(st.integers(0, len(GOOD) - 1), st.characters(), st.sampled_from(KEYS))
def test_no_changed_character_passes(at: int, character: str, keys: InitDataKeys) -> None:
    changed = GOOD[:at] + character + GOOD[at + 1 :]
    assume(changed.lower() != GOOD.lower())  # %3a is %3A
    if is_taken(changed, keys):
        # Then only what this form does not sign has changed: the other form's signature.
        head = GOOD.index("&hash=") if not keys.token else len(GOOD)
        assert changed[:head] == GOOD[:head] or keys.public_key is None


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda data: quote(data, safe="=&%+")))
def test_nonsense_is_refused(raw: str) -> None:
    assert not any(is_taken(raw, keys) for keys in KEYS)


@given(st.dictionaries(st.sampled_from(["user", "auth_date", "a", "b"]), names, max_size=4))
def test_whatever_is_signed_only_ever_ends_in_a_login_or_a_refusal(fields: dict[str, str]) -> None:
    raw = signed(fields)
    for keys in KEYS:
        is_taken(raw, keys)


@given(st.text(max_size=200))
def test_no_token_is_made_up(token: str) -> None:
    try:
        Sessions(bytes(32), 60.0).check(token, NOW)
    except LoginError:
        return
    raise AssertionError("a made-up token was taken")
