"""Small files as people send them to a bot, made from nothing."""

import zlib

PAGE = (
    b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents %d 0 R"
    b"/Resources<</Font<</F 3 0 R>>>>>>"
)


def pdf(*pages: str, stream: bytes | None = None) -> bytes:
    """A PDF with a page for each text (ASCII, any number of lines).

    Args:
        pages: texts.
        stream: takes the place of every page's content, still deflated; for what no page should be.
    """
    count = len(pages)
    kids = b" ".join(b"%d 0 R" % (4 + 2 * number) for number in range(count))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count %d/Kids[%s]>>" % (count, kids),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    for number, text in enumerate(pages):
        content = zlib.compress(_drawn(text) if stream is None else stream)
        objects.append(PAGE % (5 + 2 * number))
        head = b"<</Length %d/Filter/FlateDecode>>" % len(content)
        objects.append(head + b"stream\n" + content + b"\nendstream")
    return _file(objects)


def _drawn(text: str) -> bytes:
    lines = []
    for line in text.split("\n"):
        escaped = line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
        lines.append(b"(%s) Tj 0 -14 Td" % escaped.encode("ascii"))
    return b"BT /F 12 Tf 40 740 Td " + b" ".join(lines) + b" ET"


def _file(objects: list[bytes]) -> bytes:
    out = b"%PDF-1.5\n"
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    trailer = b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (size, len(out))
    return out + b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table) + trailer
