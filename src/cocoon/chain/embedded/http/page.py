"""One page for people: what happened last, who has how much, and what time it is."""

from datetime import UTC, datetime
from html import escape
from typing import Any

from cocoon.chain.embedded.chain import EmbeddedChain
from cocoon.chain.embedded.http import control, explorer
from cocoon.chain.embedded.http.arguments import Arguments

HEADERS = (
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
)
SHOWN = 25
COMMENT = 40
"""Characters of a comment that are shown."""
NANO = 10**9

_STYLE = """
body { font: 14px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem;
  color: #1c2128; background: #fff }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #ddd }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
code, a { font-family: ui-monospace, monospace; font-size: 12px }
.bad { color: #b3261e } .ok { color: #1a7f37 } .dim { color: #656d76 }
@media (prefers-color-scheme: dark) {
  body { color: #e6edf3; background: #0d1117 } th, td { border-color: #30363d }
  a { color: #79c0ff } .bad { color: #ff7b72 } .ok { color: #56d364 }
}
"""


def render(chain: EmbeddedChain) -> str:
    """The page as HTML; every value is escaped, whoever chose it."""
    none = Arguments({})
    few = Arguments({"limit": SHOWN})
    status = control.status(chain, none)
    sections = (
        _clock(status),
        _table("Transactions", _TRANSACTION_HEAD, explorer.transactions(chain, few), _transaction),
        _table("Accounts", _ACCOUNT_HEAD, explorer.accounts(chain, few), _account),
        _LINKS,
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>Cocoon embedded chain</title><style>{_STYLE}</style></head><body>"
        f"<h1>Embedded TON chain</h1>{''.join(sections)}</body></html>"
    )


def _clock(status: dict[str, Any]) -> str:
    head, clock = status["head"], status["clock"]
    state = "stopped" if clock["frozen"] else f"{clock['offset']:+d} s from real time"
    return (
        "<p>Coins here are worth nothing. "
        f'Block <a href="/devnet/block/{head["seqno"]}">{head["seqno"]}</a>, '
        f'clock <time id="clock">{escape(_time(clock["now"]))}</time> '
        f'<span class="dim">({escape(state)})</span></p>'
    )


_TRANSACTION_HEAD = (
    "<th>time<th>account<th>operation<th>from<th class=n>TON<th class=n>fees<th>outcome<th>hash"
)
_ACCOUNT_HEAD = "<th>account<th>status<th class=n>TON"
_LINKS = (
    '<p class="dim">As JSON: <a href="/devnet/transactions">transactions</a> '
    '<a href="/devnet/accounts">accounts</a> <a href="/devnet/blocks">blocks</a> '
    '<a href="/devnet/status">status</a></p>'
)


def _table(title: str, head: str, answer: dict[str, Any], row: Any) -> str:
    rows = answer[title.lower()]
    body = "".join(f"<tr>{row(item)}</tr>" for item in rows)
    nothing = "" if rows else '<p class="dim">None yet.</p>'
    return (
        f"<h2>{title}</h2><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        f"{nothing}"
    )


def _transaction(item: dict[str, Any]) -> str:
    good = "ok" if item["success"] or item["outcome"] == explorer.RECEIVED else "bad"
    source = item["from"]
    return (
        f"<td>{escape(_time(item['time']))}<td>{_account_link(item['account'])}"
        f"<td>{escape(_operation(item))}"
        f"<td>{_account_link(source) if source else escape(item['kind'] or '')}"
        f"<td class=n>{ton(item['value'])}<td class=n>{ton(item['fees'])}"
        f'<td class="{good}">{escape(item["outcome"])}'
        f'<td><a href="/devnet/transaction/{escape(item["hash"])}">{escape(item["hash"][:10])}…</a>'
    )


def _operation(item: dict[str, Any]) -> str:
    comment = item["comment"]
    if comment is None:
        return item["operation"] or ""
    return f"“{comment[:COMMENT]}{'…' if len(comment) > COMMENT else ''}”"


def _account(item: dict[str, Any]) -> str:
    return (
        f"<td>{_account_link(item['address'], whole=True)}<td>{escape(item['status'])}"
        f"<td class=n>{ton(item['balance'])}"
    )


def _account_link(address: str, *, whole: bool = False) -> str:
    text = address if whole else f"{address[:8]}…{address[-4:]}"
    return f'<a href="/devnet/account/{escape(address)}">{escape(text)}</a>'


def ton(nano: int) -> str:
    """An amount in TON with all decimals that matter."""
    whole, rest = divmod(nano, NANO)
    return f"{whole}.{f'{rest:09d}'.rstrip('0') or '0'}"


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
