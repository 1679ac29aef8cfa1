"""The first boot of a guest, in a directory tree."""

import os
import shutil
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from cocoon.attestation.measure import rtmr
from cocoon.attestation.measure.config_tree import config_hash
from cocoon.errors import ConfigError, EvidenceError
from cocoon.tee.config_dir import read_config_dir
from cocoon.tee.guest_init import DEBUG_KEY, GuestInit, GuestPaths, Hardware, parse_flags
from cocoon.tee.runtime_config import Role

OWNER = "0:" + "ab" * 32


class Machine:
    """Remembers in which order the guest used it."""

    def __init__(self, gpus: int = 0, *, has_rtmr: bool = True) -> None:
        self.calls: list[str] = []
        self.register = bytes(48)
        self.gpus = gpus
        self.has_rtmr = has_rtmr

    def record(self, text: str) -> None:
        self.calls.append("event")
        self.register = rtmr.extend(self.register, rtmr.text_event(text).digest)

    def verify_gpus(self) -> int:
        self.calls.append("gpus")
        if self.gpus < 0:
            raise EvidenceError("GPU 0 is not genuine")
        return self.gpus

    def derive_key(self, name: str) -> bytes:
        self.calls.append(f"key {name}")
        return name.encode().ljust(32, b"!")

    def image_hash(self) -> bytes:
        self.calls.append("image hash")
        return bytes(range(32))

    def hardware(self) -> Hardware:
        return Hardware(
            record=self.record if self.has_rtmr else None,
            verify_gpus=self.verify_gpus,
            open_gpus=lambda: self.calls.append("gpus work"),
            derive_key=self.derive_key,
            image_hash=self.image_hash,
            open_model=lambda root: self.calls.append(f"model {root}"),
        )


@pytest.fixture
def paths(tmp_path: Path) -> GuestPaths:
    share = tmp_path / "share"
    (share / "runtime").mkdir(parents=True)
    (share / "runtime" / "runtime.vars").write_text(f"OWNER={OWNER}\nPUBLIC_HOST=p.example\n")
    (share / "proxy.toml.in").write_text('owner = "$OWNER"\nimage = "$IMAGE_HASH"\n')
    (share / "start").write_text("#!")
    (share / "start").chmod(0o755)
    (tmp_path / "cmdline").write_text("quiet root=/dev/dm-0\n")
    run = tmp_path / "run"
    return GuestPaths(
        share, run / "config", run / "rendered", run / "keys", run / "events", tmp_path / "cmdline"
    )


def tree(paths: GuestPaths) -> str:
    return config_hash(read_config_dir(paths.share))


def init(paths: GuestPaths, machine: Machine) -> None:
    GuestInit(Role.PROXY, machine.hardware(), paths).run()


def test_everything_in_its_order(paths: GuestPaths) -> None:
    machine = Machine(gpus=8)
    paths.cmdline.write_text("quiet cocoon.gpus=8\n")
    init(paths, machine)
    keys = ["key disk_encryption", "key app"]
    assert machine.calls == [
        *("event", "gpus", "event", "gpus work"),
        *(*keys, "event", "image hash"),
    ]
    assert machine.register == rtmr.replay(rtmr.rtmr3_events(tree(paths), gpus=8))
    assert paths.events.read_text().splitlines() == [
        f"cocoon:spec.tree={tree(paths)}",
        "cocoon:gpu_verified=8",
        "cocoon:tdx_inited",
    ]


def test_what_it_leaves(paths: GuestPaths) -> None:
    init(paths, Machine())
    key = paths.keys / "app.key"
    assert key.read_bytes() == b"app".ljust(32, b"!")
    assert stat.S_IMODE(key.stat().st_mode) == 0o400
    assert (paths.keys / "app.hex").read_text() == key.read_bytes().hex() + "\n"
    assert (paths.config / "start").stat().st_mode & stat.S_IXUSR
    assert not (paths.config / "runtime").exists()
    rendered = (paths.rendered / "proxy.toml").read_text()
    assert rendered == f'owner = "{OWNER}"\nimage = "{bytes(range(32)).hex()}"\n'


def test_a_workers_model_disk_opens_with_the_hash_of_its_name(paths: GuestPaths) -> None:
    machine = Machine()
    name = f"Qwen/Qwen3-8B@b968826d:{'7e' * 32}"
    variables = paths.share / "runtime" / "runtime.vars"
    variables.write_text(f"OWNER={OWNER}\nMODEL={name}\n")
    GuestInit(Role.WORKER, machine.hardware(), paths).run()
    assert machine.calls[-1] == f"model {'7e' * 32}"


def test_only_once(paths: GuestPaths) -> None:
    init(paths, Machine())
    again = Machine()
    with pytest.raises(ConfigError, match="initialised before"):
        init(paths, again)
    assert again.calls == []


def test_debug_keys_are_public_and_measured(paths: GuestPaths) -> None:
    machine = Machine()
    paths.cmdline.write_text("cocoon_debug")
    init(paths, machine)
    assert (paths.keys / "app.key").read_bytes() == DEBUG_KEY
    assert machine.register == rtmr.replay(rtmr.rtmr3_events(tree(paths), debug=True))


@pytest.mark.parametrize("found", [-1, 0, 7, 9])
def test_gpus_that_do_not_verify_give_no_keys(paths: GuestPaths, found: int) -> None:
    machine = Machine(gpus=found)
    paths.cmdline.write_text("cocoon.gpus=8")
    with pytest.raises((ConfigError, EvidenceError)):
        init(paths, machine)
    assert machine.calls == ["event", "gpus"]
    assert not paths.keys.exists()


def test_hosts_variables_are_read_after_the_latch(paths: GuestPaths) -> None:
    machine = Machine()
    (paths.share / "runtime" / "runtime.vars").write_text("LD_PRELOAD=x\n")
    with pytest.raises(ConfigError, match="may not set LD_PRELOAD"):
        init(paths, machine)
    assert paths.events.read_text().endswith("cocoon:tdx_inited\n")
    assert not paths.rendered.exists()


def test_another_configuration_than_expected(paths: GuestPaths) -> None:
    (paths.share / "spec.tree").write_text("0" * 64 + "\n")
    with pytest.raises(ConfigError, match="names another configuration"):
        init(paths, Machine())
    (paths.share / "spec.tree").write_text(tree(paths) + "\n")
    init(paths, Machine())


def test_snp_measures_the_configuration_by_its_command_line(paths: GuestPaths) -> None:
    with pytest.raises(ConfigError, match=r"must have cocoon\.config"):
        init(paths, Machine(has_rtmr=False))
    paths.cmdline.write_text(f"cocoon.config={'0' * 64}")
    with pytest.raises(ConfigError, match="allows another"):
        init(paths, Machine(has_rtmr=False))
    paths.cmdline.write_text(f"cocoon.config={tree(paths)}")
    init(paths, Machine(has_rtmr=False))


def test_a_weak_key_is_refused(paths: GuestPaths) -> None:
    for key in (bytes(32), b"short"):
        machine = Machine()
        hardware = replace(machine.hardware(), derive_key=lambda _, key=key: key)
        with pytest.raises(ConfigError, match="is not one"):
            GuestInit(Role.PROXY, hardware, paths).run()
        paths.events.unlink()
        shutil.rmtree(paths.config)


def test_without_a_seal_service_there_are_no_keys(paths: GuestPaths) -> None:
    hardware = replace(Machine().hardware(), derive_key=None)
    GuestInit(Role.PROXY, hardware, paths).run()
    assert list(paths.keys.iterdir()) == []


@pytest.mark.parametrize(
    "cmdline",
    [
        *("cocoon_debugger", "cocoon.gpus=0", "cocoon.gpus=17", "cocoon.gpus=1 cocoon.gpus=2"),
        *("cocoon.config=zz", "cocoon.unknown", "cocoon_debug=1"),
    ],
)
def test_flags_that_are_not_known(cmdline: str) -> None:
    with pytest.raises(ConfigError, match="command line"):
        parse_flags(cmdline)


def test_links_and_special_files_are_refused(paths: GuestPaths, tmp_path: Path) -> None:
    link = paths.share / "link"
    link.symlink_to(tmp_path / "cmdline")
    with pytest.raises(ConfigError, match="links are not followed"):
        read_config_dir(paths.share)
    link.unlink()
    os.mkfifo(paths.share / "fifo")
    with pytest.raises(ConfigError, match="not a regular file"):
        read_config_dir(paths.share)
    with pytest.raises(ConfigError):
        read_config_dir(tmp_path / "nothing")


def test_a_linked_runtime_directory_is_refused(paths: GuestPaths, tmp_path: Path) -> None:
    (paths.share / "runtime").rename(tmp_path / "elsewhere")
    (paths.share / "runtime").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="is a link"):
        init(paths, Machine())
