"""initData: what Telegram signs is taken, whatever else somebody sends is not."""

import json
import time

import pytest
from aiogram.utils.web_app import check_webapp_signature as aiogram_hmac
from aiogram.utils.web_app_signature import PRODUCTION_PUBLIC_KEY, TEST_PUBLIC_KEY
from aiogram.utils.web_app_signature import check_webapp_signature as aiogram_ed25519
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cocoon.errors import CocoonError, ConfigError, LoginError
from cocoon.telegram.auth.init_data import (
    MAX_BYTES,
    PRODUCTION_KEY,
    TEST_KEY,
    InitData,
    InitDataKeys,
    check_init_data,
)
from cocoon.testing.signed_init_data import BOT_ID, PUBLIC_KEY, TOKEN, init_data, person, signed

NOW = 1_800_000_000.0
BOTH = InitDataKeys.of_bot(TOKEN, PUBLIC_KEY)
HMAC = InitDataKeys(BOT_ID, TOKEN, None)
ED25519 = InitDataKeys(BOT_ID, "", PUBLIC_KEY)
ALL = pytest.mark.parametrize("keys", [BOTH, HMAC, ED25519], ids=["both", "hmac", "ed25519"])


def check(raw: str, keys: InitDataKeys = BOTH, age: float = 3600.0) -> InitData:
    return check_init_data(raw, keys, NOW, age)


def refused(raw: str, keys: InitDataKeys = BOTH) -> str:
    with pytest.raises(LoginError) as caught:
        check(raw, keys)
    assert isinstance(caught.value, CocoonError)
    assert caught.value.http_status == 401
    return caught.value.reason


def fields(**more: str) -> dict[str, str]:
    return {"user": person(), "auth_date": str(int(NOW)), **more}


@ALL
def test_what_telegram_signs_is_taken(keys: InitDataKeys) -> None:
    raw = init_data(int(NOW) - 5, start_param="pay-1", chat_type="sender", chat_instance="-123")
    assert aiogram_hmac(TOKEN, raw)
    assert aiogram_ed25519(BOT_ID, raw, PUBLIC_KEY)
    said = check(raw, keys)
    assert (said.user, said.auth_date, said.first_name) == (42, int(NOW) - 5, "Ann")
    assert (said.language, said.start_param) == ("en", "pay-1")


def test_keys_are_telegrams() -> None:
    assert PRODUCTION_KEY == PRODUCTION_PUBLIC_KEY
    assert TEST_KEY == TEST_PUBLIC_KEY
    assert InitDataKeys(1).public_key == PRODUCTION_KEY


def test_names_in_any_script_are_read() -> None:
    raw = signed(fields(user=person(7, "Ивана + Ko & 🦎=%", "ru")))
    assert check(raw).first_name == "Ивана + Ko & 🦎=%"
    assert check(raw.replace("%20", "+")).first_name == "Ивана + Ko & 🦎=%"


def test_every_way_of_writing_the_same_has_one_hash() -> None:
    raw = init_data(int(NOW))
    parts = raw.split("&")
    other = "&".join(reversed(parts)).replace("%3A", "%3a")
    assert other != raw
    assert check(raw).hash == check(other).hash
    assert check(raw).hash != check(init_data(int(NOW) - 1)).hash


@ALL
@pytest.mark.parametrize("name", ["user", "auth_date", "query_id"])
def test_a_changed_field_is_forged(keys: InitDataKeys, name: str) -> None:
    raw = init_data(int(NOW))
    assert refused(raw.replace(f"{name}=", f"{name}=1", 1), keys) == "forged"


@ALL
def test_an_added_or_dropped_field_is_forged(keys: InitDataKeys) -> None:
    raw = init_data(int(NOW))
    assert refused(raw + "&start_param=x", keys) == "forged"
    assert refused(raw.partition("&")[2], keys) == "forged"


@pytest.mark.parametrize("keys", [BOTH, HMAC], ids=["both", "hmac"])
def test_another_bots_token_is_foreign(keys: InitDataKeys) -> None:
    assert refused(signed(fields(), token="654321:another"), keys) == "forged"


@pytest.mark.parametrize("keys", [BOTH, ED25519], ids=["both", "ed25519"])
def test_another_bots_signature_is_foreign(keys: InitDataKeys) -> None:
    assert refused(signed(fields(), bot_id=BOT_ID + 1), keys) == "forged"


@pytest.mark.parametrize("keys", [BOTH, ED25519], ids=["both", "ed25519"])
def test_a_stolen_token_alone_logs_nobody_in(keys: InitDataKeys) -> None:
    assert refused(signed(fields(), key=Ed25519PrivateKey.generate()), keys) == "forged"
    assert refused(signed(fields(), key=None), keys) == "forged"


def test_without_a_public_key_the_signature_is_a_field_like_others() -> None:
    assert check(signed(fields(), key=None), HMAC).user == 42
    raw = init_data(int(NOW))
    assert refused(raw.replace("signature=", "signature=A"), HMAC) == "forged"


@pytest.mark.parametrize("value", ["", "00", "zz" * 32, "a" * 86, "a" * 5000, "%F0%9F%A6%8E" * 16])
def test_nonsense_as_signatures_is_forged(value: str) -> None:
    raw = "&".join(
        part for part in init_data(int(NOW)).split("&") if not part.startswith(("hash", "sign"))
    )
    assert refused(f"{raw}&hash={value}", HMAC) == "forged"
    assert refused(f"{raw}&signature={value}", ED25519) == "forged"
    assert refused(raw, BOTH) == "forged"


def test_an_upper_case_hash_is_none() -> None:
    raw = init_data(int(NOW))
    head, _, value = raw.rpartition("hash=")
    assert refused(f"{head}hash={value.upper()}", HMAC) == "forged"


@ALL
def test_age(keys: InitDataKeys) -> None:
    assert check(init_data(int(NOW) - 3600), keys)
    assert refused(init_data(int(NOW) - 3601), keys) == "aged"
    assert check(init_data(int(NOW) + 30), keys)
    assert refused(init_data(int(NOW) + 31), keys) == "future"


@ALL
@pytest.mark.parametrize("date", ["", "0", "-1", "1e9", " 1800000000", "\uff11" * 10, "9" * 400])
def test_a_date_that_is_none(keys: InitDataKeys, date: str) -> None:
    assert refused(signed(fields(auth_date=date)), keys) == "malformed"


@ALL
@pytest.mark.parametrize(
    "user",
    [
        "",
        "null",
        "[]",
        "{",
        "{}",
        '{"id":"42"}',
        '{"id":42.5}',
        '{"id":true}',
        '{"id":0}',
        '{"id":-1}',
        '{"id":4503599627370496}',
        '{"id":' + "9" * 5000 + "}",
        '{"id":42,"first_name":7}',
        '{"id":42,"is_bot":true}',
        "[" * 1500,
    ],
)
def test_a_user_who_is_none(keys: InitDataKeys, user: str) -> None:
    assert refused(signed(fields(user=user)), keys) == "malformed"


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "&",
        "=",
        "user",
        "user=1&user=1",
        "hash=1&hash=2",
        "us%65r=1",
        "user=%",
        "user=%zz",
        "user=%ff",
        "user=a%0Ab",
        "user=%00",
        "üser=1",
        "user=ü",
        "&".join(f"f{n}=1" for n in range(33)),
        "user=" + "a" * MAX_BYTES,
    ],
)
def test_a_query_string_that_could_be_read_in_two_ways(raw: str) -> None:
    assert refused(raw) == "malformed"


def test_a_line_end_in_a_value_does_not_make_another_field() -> None:
    # Both have the same signed lines: "auth_date=…\nuser=…".
    moved = {"auth_date": f"{int(NOW)}\nuser={person(666)}"}
    assert refused(signed(moved)) == "malformed"


def test_an_unusable_language_is_left_out() -> None:
    assert check(signed(fields(user=person(language="<b>")))).language == ""


def test_names_and_signatures_do_not_show() -> None:
    raw = init_data(int(NOW), start_param="hidden")
    said = check(raw)
    assert "Ann" not in repr(said)
    assert "hidden" not in repr(said)
    assert TOKEN not in repr(BOTH)
    for bad in (raw + "x", raw.replace("Ann", "Bob")):
        with pytest.raises(LoginError) as caught:
            check(bad)
        assert "Ann" not in str(caught.value)
        assert "Bob" not in str(caught.value)


def test_settings_without_keys_are_refused() -> None:
    with pytest.raises(ConfigError):
        InitDataKeys(1, "", None)
    with pytest.raises(ConfigError):
        InitDataKeys(1, "", b"short")
    with pytest.raises(ConfigError):
        InitDataKeys.of_bot("abc:def")


def test_the_time_of_a_refusal_does_not_tell_where_it_differs() -> None:
    """compare_digest is what compares; here only that both are refused after the same work."""
    raw = init_data(int(NOW))
    head, _, value = raw.rpartition("hash=")
    first = "0" if value[0] != "0" else "1"
    last = "0" if value[-1] != "0" else "1"
    assert refused(f"{head}hash={first}{value[1:]}", HMAC) == "forged"
    assert refused(f"{head}hash={value[:-1]}{last}", HMAC) == "forged"


def test_an_original_by_aiograms_reader() -> None:
    from aiogram.utils.web_app import safe_parse_webapp_init_data

    raw = init_data(int(time.time()))
    theirs = safe_parse_webapp_init_data(TOKEN, raw)
    ours = check_init_data(raw, BOTH, time.time(), 60.0)
    assert theirs.user is not None
    assert (theirs.user.id, theirs.user.first_name) == (ours.user, ours.first_name)
    assert json.loads(person())["id"] == ours.user


def test_what_the_stand_in_signs() -> None:
    from cocoon.devnet.telegram.init_data import InitDataSigner

    signer = InitDataSigner(TOKEN)
    user = {"id": 9, "is_bot": False, "first_name": 'A/B "ü" 🦎', "language_code": "id"}
    raw = signer.for_user(user, int(NOW), start_param="pay_1")
    said = check_init_data(raw, InitDataKeys.of_bot(TOKEN, signer.public_key), NOW, 60.0)
    assert (said.user, said.first_name) == (9, 'A/B "ü" 🦎')
    assert (said.language, said.start_param) == ("id", "pay_1")
    assert refused(raw) == "forged"  # not by the key of another stand-in
