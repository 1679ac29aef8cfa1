"""``GET ledger``: everything that moved a user's money, as a file."""

from cocoon.telegram.accounts import Entry
from cocoon.telegram.accounts.export import all_entries, ledger_csv, ledger_lines
from cocoon.telegram.web.calls import Call, Front
from cocoon.telegram.web.deps import WebDeps
from cocoon.telegram.web.failures import invalid
from cocoon.telegram.web.reading import query

_TYPES = {"csv": b"text/csv; charset=utf-8", "json": b"application/x-ndjson"}


class LedgerExport:
    """Sends ledgers page by page, however long they are.

    Args:
        deps: of the server.
        front: lets users in.
    """

    def __init__(self, deps: WebDeps, front: Front) -> None:
        self._deps = deps
        self._front = front

    async def handle(self, call: Call) -> None:
        """Answer one call."""
        user = self._front.session(call).user
        form = query(call.query).get("format", "csv")
        if form not in _TYPES:
            raise invalid("format is csv or json")
        name = f'attachment; filename="ledger.{"csv" if form == "csv" else "jsonl"}"'.encode()
        pages = all_entries(self._deps.accounts, user)
        entries: list[Entry] = await anext(
            pages, []
        )  # what fails before the head is still an error
        await call.start(200, _TYPES[form], [(b"content-disposition", name)])
        first = True
        while entries or first:
            text = ledger_csv(entries, head=first) if form == "csv" else ledger_lines(entries)
            await call.write(text.encode())
            first = False
            entries = await anext(pages, [])
        await call.write(b"", last=True)
