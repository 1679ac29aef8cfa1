"""What reaches a guest from outside, and what its engine reaches: firewall and unit files."""

import configparser
import re
from pathlib import Path

IMAGES = Path(__file__).parents[2] / "images"
FIREWALL = IMAGES / "mkosi.extra/etc/nftables.conf"
ENGINE = IMAGES / "mkosi.profiles/worker/tree/usr/lib/systemd/system/cocoon-engine.service"


def chain(name: str) -> list[str]:
    """The rules of one chain, one line each."""
    found = re.search(
        rf"chain {name} {{(.*?)^    }}", FIREWALL.read_text(), re.DOTALL | re.MULTILINE
    )
    assert found is not None
    return [line.strip() for line in found[1].splitlines() if line.strip()]


def test_the_host_reaches_only_a_proxys_two_ports() -> None:
    """An engine's port cannot be reached from outside (``attestation.md`` §12.10)."""
    hook, *rules = chain("input")
    assert hook.endswith("policy drop;")
    assert [rule for rule in rules if "dport" in rule] == []
    assert "iif lo accept" in rules
    assert chain("forward") == ["type filter hook forward priority filter; policy drop;"]
    opened = {
        path.relative_to(IMAGES).parts[1]: path.read_text().strip()
        for path in IMAGES.glob("mkosi.profiles/**/ports*.nft")
    }
    assert opened == {"proxy": "tcp dport 11001-11002 accept"}
    assert not list((IMAGES / "mkosi.extra").glob("**/ports*.nft"))


def test_an_engine_reaches_this_machine_only_and_prints_nowhere() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(ENGINE)
    engine = unit["Service"]
    assert (engine["IPAddressDeny"], engine["IPAddressAllow"]) == ("any", "localhost")
    assert (engine["StandardOutput"], engine["StandardError"]) == ("null", "null")
    assert engine["LimitCORE"] == "0"
    assert "/run/cocoon" in engine["InaccessiblePaths"].split()


def test_what_a_host_adds_to_the_disk_is_not_looked_at() -> None:
    """systemd mounts partitions of the root disk by their type, and swaps to one, unless told."""
    options = re.findall(
        r'^    "([^"]+)",$', (IMAGES / "write_cmdline.py").read_text(), re.MULTILINE
    )
    assert {
        "systemd.gpt_auto=no",
        "systemd.swap=no",
        "systemd.import_credentials=no",
    } <= set(options)
