"""Addresses of Mini Apps with launch parameters."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from aiogram.utils.web_app import check_webapp_signature, safe_parse_webapp_init_data

from cocoon.devnet.telegram.server import StandInTelegram
from cocoon.devnet.telegram.webview import PLATFORM, VERSION, launch_url, origin_of, read_theme
from cocoon.errors import BadRequestError

THEME = {"bg_color": "#ffffff", "text_color": "#000000"}


def test_launch_parameters_stand_in_the_fragment() -> None:
    telegram = StandInTelegram()
    person = telegram.person("Ada & Co", language="ru")
    data = telegram.init_data(person, start_param="topup")
    url = launch_url("http://127.0.0.1:8080/app/?a=1", data, THEME, start_param="topup")
    parts = urlsplit(url)
    assert (parts.netloc, parts.path, parts.query) == ("127.0.0.1:8080", "/app/", "a=1")
    given = {name: values[0] for name, values in parse_qs(parts.fragment).items()}
    assert given["tgWebAppVersion"] == VERSION
    assert given["tgWebAppPlatform"] == PLATFORM
    assert given["tgWebAppStartParam"] == "topup"
    assert json.loads(given["tgWebAppThemeParams"]) == THEME
    assert check_webapp_signature(telegram.token, given["tgWebAppData"])
    read = safe_parse_webapp_init_data(telegram.token, given["tgWebAppData"])
    assert read.user is not None
    assert (read.user.id, read.user.first_name) == (person.id, "Ada & Co")


def test_a_fragment_of_the_app_stays() -> None:
    assert launch_url("https://app.example/#/top", "d", {}).startswith("https://app.example/#/top&")


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://127.0.0.1:1/app", "http://127.0.0.1:1"),
        ("https://App.example/x", "https://app.example"),
        ("http://[::1]:5/", "http://[::1]:5"),
    ],
)
def test_origins(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    "url",
    [
        "",
        "app",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "http://",
        "http://a:b/",
        "http://[x/",
    ],
)
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(BadRequestError):
        launch_url(url, "d", {})


@pytest.mark.parametrize(
    "given",
    [
        None,
        [],
        {"bg_color": "red"},
        {"bg_color": 5},
        {"BG": "#000000"},
        {f"c{'x' * number}": "#000000" for number in range(41)},
    ],
)
def test_themes_that_are_none(given: object) -> None:
    with pytest.raises(BadRequestError):
        read_theme(given)
