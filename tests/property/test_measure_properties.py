"""Measurements: every byte that is measured counts, and nothing else does."""

import hashlib

from hypothesis import given, settings
from hypothesis import strategies as st

from cocoon.attestation.measure import rtmr
from cocoon.attestation.measure.config_tree import ConfigFile, select, tree_id
from cocoon.attestation.measure.ovmf_sev import parse_sev_firmware
from cocoon.attestation.measure.pe import authenticode_sha384
from cocoon.attestation.measure.snp_launch import launch_digest
from cocoon.attestation.measure.tdvf import PageOrder, mrtd, parse_tdvf
from cocoon.errors import ConfigError
from cocoon.tee.runtime_config import ALLOWED, Role, parse_runtime, render
from cocoon.testing import firmware

FIRMWARE = firmware.ovmf()
KERNEL = firmware.kernel()
MRTD = mrtd(parse_tdvf(FIRMWARE), PageOrder.PAGE_BY_PAGE)
LAUNCH = launch_digest(parse_sev_firmware(FIRMWARE), vcpus=1, vcpu_type="EPYC", hashes=None)
AUTHENTICODE = authenticode_sha384(KERNEL)
UNMEASURED_IN_KERNEL = {*range(0x58 + 64, 0x58 + 68), *range(0x58 + 144, 0x58 + 152)}

names = st.text("ab.0-", min_size=1, max_size=3).filter(lambda name: name not in {".", ".."})
paths = st.lists(names, min_size=1, max_size=3).map("/".join)


@settings(max_examples=60)
@given(st.integers(0, len(FIRMWARE) - 1), st.integers(1, 255))
def test_a_changed_firmware_is_another_one(at: int, difference: int) -> None:
    image = bytearray(FIRMWARE)
    image[at] ^= difference
    try:
        found = mrtd(parse_tdvf(bytes(image)), PageOrder.PAGE_BY_PAGE)
        # The configuration volume is in RTMR0 instead.
        assert (found == MRTD) is (at < firmware.CONFIGURATION_BYTES)
    except ConfigError:
        pass
    try:
        found = launch_digest(
            parse_sev_firmware(bytes(image)), vcpus=1, vcpu_type="EPYC", hashes=None
        )
        assert found != LAUNCH
    except ConfigError:
        pass


@settings(max_examples=200)
@given(st.integers(0, len(KERNEL) - 1), st.integers(1, 255))
def test_a_changed_kernel_is_another_one(at: int, difference: int) -> None:
    image = bytearray(KERNEL)
    image[at] ^= difference
    try:
        found = authenticode_sha384(bytes(image))
    except ConfigError:
        return
    assert (found == AUTHENTICODE) is (at in UNMEASURED_IN_KERNEL)


@given(st.dictionaries(paths, st.tuples(st.booleans(), st.binary(max_size=4)), max_size=8))
def test_a_tree_depends_on_its_files_only(content: dict[str, tuple[bool, bytes]]) -> None:
    files = [ConfigFile(path, *rest) for path, rest in content.items()]
    try:
        chosen = select(files)
        found = tree_id(chosen)
    except ConfigError:
        return
    assert tree_id(tuple(reversed(chosen))) == found
    for index, file in enumerate(chosen):
        changed = ConfigFile(file.path, not file.executable, file.data)
        assert tree_id((*chosen[:index], changed, *chosen[index + 1 :])) != found


@given(st.lists(st.binary(max_size=8), max_size=6))
def test_replay_is_the_fold_of_extend(parts: list[bytes]) -> None:
    register = bytes(48)
    events = [rtmr.Event.of("part", part) for part in parts]
    for part in parts:
        register = hashlib.sha384(register + hashlib.sha384(part).digest()).digest()
    assert rtmr.replay(events) == register


@given(st.sampled_from(list(Role)), st.dictionaries(st.sampled_from("ABMOP_Z"), st.text()))
def test_only_listed_variables_come_through(role: Role, wild: dict[str, str]) -> None:
    text = "\n".join(f"{name}={value}" for name, value in wild.items())
    try:
        values = parse_runtime(text.encode("utf-8", "replace"), role)
    except ConfigError:
        return
    assert values.keys() == ALLOWED[role].keys()


@given(st.text(max_size=40), st.text("AB=/@.-", max_size=8))
def test_values_are_not_rendered_again(template: str, value: str) -> None:
    try:
        found = render(template, {"S": "own"}, {"R": value})
    except ConfigError:
        return
    assert "$" not in found
