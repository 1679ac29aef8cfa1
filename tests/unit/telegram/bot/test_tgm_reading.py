"""Files that people send: what is read of them, and what cannot be."""

import asyncio
import json
import os
import subprocess
import sys
import time

import pytest

from cocoon.telegram.bot.reading import (
    Document,
    UnreadableError,
    clean_name,
    pdf,
    pdf_child,
    read_document,
)
from cocoon.testing.sent_files import pdf as make_pdf


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"# Title\r\n\r\nbody\r\n", "# Title\n\nbody"),
        ("\ufeffa;b\n1;2".encode(), "a;b\n1;2"),
        ("Привет, мир".encode("cp1251"), "Привет, мир"),
        ("déjà vu à Orléans".encode("cp1252"), "déjà vu à Orléans"),
        ("halo dunia".encode("utf-16"), "halo dunia"),
        ('{"ключ": "значение"}'.encode(), '{"ключ": "значение"}'),
    ],
)
@pytest.mark.anyio
async def test_text_of_any_kind(data: bytes, text: str) -> None:
    document = await read_document("notes.txt", data, 1000, owner=1)

    assert (document.text, document.is_cut, document.pages) == (text, False, 0)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"PK\x03\x04\x14\x00\x08\x00" + bytes(range(256)), "kind"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(64), "kind"),
        (b"", "empty"),
        (b" \n\t \n", "empty"),
    ],
)
@pytest.mark.anyio
async def test_what_is_no_text(data: bytes, code: str) -> None:
    with pytest.raises(UnreadableError) as refused:
        await read_document("file.bin", data, 1000, owner=1)

    assert refused.value.code == code


@pytest.mark.anyio
async def test_long_text_is_cut_and_says_so() -> None:
    document = await read_document("long.md", ("слово " * 5000).encode(), 600, owner=1)

    assert document.is_cut
    assert len(document.text) <= 600
    assert "\ufffd" not in document.text


@pytest.mark.anyio
async def test_pages_of_a_pdf() -> None:
    document = await read_document(
        "two.pdf", make_pdf("Hello (world)", "second\npage"), 1000, owner=1
    )

    assert document.text == "Hello (world)\n\nsecond\npage"
    assert (document.pages, document.pages_read, document.is_cut) == (2, 2, False)


@pytest.mark.anyio
async def test_pdf_with_more_pages_than_are_read() -> None:
    data = make_pdf(*(f"page {number}" for number in range(5)))

    document = await pdf.read_pdf("five.pdf", data, 1000, owner=1, max_pages=2)

    assert document.text == "page 0\n\npage 1"
    assert (document.pages, document.pages_read, document.is_cut) == (5, 2, True)


@pytest.mark.parametrize(
    ("data", "code"),
    [(make_pdf(""), "empty"), (b"%PDF-1.7\n" + bytes(5000), "broken"), (b"%PDF-", "broken")],
)
@pytest.mark.anyio
async def test_pdf_without_text(data: bytes, code: str) -> None:
    with pytest.raises(UnreadableError) as refused:
        await read_document("x.pdf", data, 1000, owner=1)

    assert refused.value.code == code


@pytest.mark.anyio
async def test_pdf_behind_a_password() -> None:
    from io import BytesIO

    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(BytesIO(make_pdf("secret"))))
    writer.encrypt("sesame", algorithm="RC4-128")
    file = BytesIO()
    writer.write(file)

    with pytest.raises(UnreadableError) as refused:
        await read_document("locked.pdf", file.getvalue(), 1000, owner=1)

    assert refused.value.code == "locked"


@pytest.mark.anyio
async def test_pdf_that_unpacks_to_much_more() -> None:
    """300 kB become 300 MB of operators: read in part or not at all, within the limits."""
    bomb = make_pdf("x", stream=b"BT " * 50_000_000)

    with pytest.raises(UnreadableError):
        await read_document("bomb.pdf", bomb, 1000, owner=1)


@pytest.mark.anyio
async def test_child_that_takes_too_long_is_ended() -> None:
    data = make_pdf(*["x"] * 200, stream=b"BT /F 12 Tf " + b"(x) Tj " * 200_000)
    begun = time.monotonic()

    with pytest.raises(UnreadableError) as refused:
        await pdf.read_pdf("slow.pdf", data, 10**9, owner=1, seconds=0.5)

    assert refused.value.code == "slow"
    assert time.monotonic() - begun < 5


@pytest.mark.anyio
async def test_cancelling_ends_the_child(monkeypatch: pytest.MonkeyPatch) -> None:
    started: asyncio.Future[asyncio.subprocess.Process] = asyncio.Future()
    real = asyncio.create_subprocess_exec

    async def spawn(*words: str, **options: object) -> asyncio.subprocess.Process:
        started.set_result(child := await real(*words, **options))  # type: ignore[arg-type]
        return child

    monkeypatch.setattr(asyncio, "create_subprocess_exec", spawn)
    data = make_pdf(*["x"] * 200, stream=b"BT /F 12 Tf " + b"(x) Tj " * 200_000)
    task = asyncio.create_task(pdf.read_pdf("slow.pdf", data, 10**9, owner=1))
    child = await started
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert child.returncode is not None


@pytest.mark.anyio
async def test_too_many_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "MAX_WAITING", 2)
    jobs = [
        asyncio.create_task(pdf.read_pdf("a.pdf", make_pdf("a"), 100, owner=n)) for n in (1, 2, 3)
    ]
    results = await asyncio.gather(*jobs, return_exceptions=True)

    refused = [each for each in results if isinstance(each, UnreadableError)]
    assert [each.code for each in refused] == ["busy"]


@pytest.mark.anyio
async def test_nobody_keeps_others_from_being_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "MAX_OF_ONE", 4)
    monkeypatch.setattr(pdf, "MAX_WAITING", 2)
    slow = asyncio.Event()
    running: list[bytes] = []

    async def child(data: bytes, *_: object) -> bytes:
        running.append(data)
        if data == b"slow":
            await slow.wait()
        return b'{"text": "x", "pages": 1, "read": 1, "cut": false}'

    monkeypatch.setattr(pdf, "_child", child)
    jobs = [asyncio.create_task(pdf.read_pdf("a", b"slow", 9, owner=1)) for _ in range(9)]
    await asyncio.sleep(0)
    async with asyncio.timeout(2):
        assert (await pdf.read_pdf("b", b"quick", 9, owner=2)).text == "x"
    assert running == [b"slow", b"quick"]
    slow.set()
    results = await asyncio.gather(*jobs, return_exceptions=True)
    assert [type(each) for each in results] == [Document] * 4 + [UnreadableError] * 5


def test_child_has_limits_and_no_surroundings() -> None:
    """What the child may take is bounded by the system, not by the good will of a library."""
    code = (
        "import runpy, resource, os, json;"
        f"names = runpy.run_path({pdf_child.__file__!r});"
        "names['limit']();"
        "r = resource;"
        "print(json.dumps([r.getrlimit(w)[0] for w in"
        " (r.RLIMIT_AS, r.RLIMIT_CPU, r.RLIMIT_FSIZE, r.RLIMIT_CORE)]))"
    )
    words = [sys.executable, "-I", "-c", code]
    shown = subprocess.run(words, env={}, capture_output=True, check=True, timeout=20)

    assert json.loads(shown.stdout) == [pdf_child.MAX_MEMORY, pdf_child.MAX_CPU_SECONDS, 0, 0]


@pytest.mark.anyio
async def test_child_is_told_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, object] = {}
    real = asyncio.create_subprocess_exec

    async def spawn(*words: str, **options: object) -> asyncio.subprocess.Process:
        told.update(options)
        return await real(*words, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", spawn)
    monkeypatch.setitem(os.environ, "SOME_SECRET", "x")
    await read_document("a.pdf", make_pdf("a"), 100, owner=1)

    assert told["env"] == {}


def test_names_are_one_short_line() -> None:
    assert clean_name("a\u202etxt.exe\n\0b") == "atxt.exe b"
    assert clean_name('say "hi"  there.txt') == "say 'hi' there.txt"
    assert clean_name("") == "file"
    assert len(clean_name("x" * 500 + ".pdf")) <= 80
    assert clean_name("x" * 500 + ".pdf").endswith(".pdf")


def test_errors_name_no_content() -> None:
    assert "notes" not in str(UnreadableError("kind"))
