"""The operators' page as HTML with charts as SVG: it loads nothing and runs nothing."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import Any

NANO_PER_TON = 10**9
WIDTH, HEIGHT = 640, 120

STYLE = """
:root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; }
body { max-width: 62rem; margin: 1.5rem auto; padding: 0 1rem; }
h1 { font-size: 1.3rem; } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid #8884; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
svg { width: 100%; height: auto; }
svg .a { fill: #2a7de1; } svg .b { fill: #e1912a; }
svg text { fill: currentColor; font-size: 11px; }
.scroll { overflow-x: auto; }
"""


def page(data: Mapping[str, Any]) -> str:
    """The page.

    Args:
        data: what ``/operator/data`` answers.
    """
    days = data["days"]
    parts = [
        _table("Now", ("", "#"), [*data["service"].items(), *_amounts(data["totals"])]),
        _chart("Answers a day", days, lambda day: (day["answers"], 0), str),
        _chart(
            "Spend a day, TON: paid (blue), by the free allowance (orange)",
            days,
            lambda day: (day["paid_nano"], day["free_nano"]),
            _ton,
        ),
        _chart("Top-ups a day, TON", days, lambda day: (day["topped_up_nano"], 0), _ton),
        _table("Top-ups", ("method/state", "#number"), data["topups"].items()),
        _table(
            "Failures",
            ("day (UTC)", "code", "#number"),
            ((one["day"], one["code"], one["count"]) for one in data["failures"]),
        ),
        _table("Since the start", ("code", "#number"), data["since_start"].items()),
        _users(data["users"], data["next"]),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="refresh" content="60">'
        f"<title>Telegram service</title><style>{STYLE}</style></head><body>"
        f"<h1>Telegram service</h1>{''.join(parts)}</body></html>"
    )


def _users(rows: Sequence[Mapping[str, Any]], following: int | None) -> str:
    heads = ("user", "since", "seen", "blocked", "#answers", "#balance", "#paid", "#free")
    shown = (
        (
            str(row["user"]),
            row["since"],
            row["seen"],
            "yes" if row["blocked"] else "",
            row["answers"],
            _ton(row["balance_nano"]),
            _ton(row["paid_nano"]),
            _ton(row["free_nano"]),
        )
        for row in rows
    )
    more = "" if following is None else f'<p><a href="/operator?after={following}">more</a></p>'
    return _table("Users (TON)", heads, shown) + more


def _table(title: str, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table; heads that begin with ``#`` are over numbers."""
    body = "".join(f"<tr>{''.join(map(_cell, heads, row))}</tr>" for row in rows)
    head = "".join(
        f'<th scope="col"{_kind(one)}>{escape(one.removeprefix("#"))}</th>' for one in heads
    )
    top = f"<thead><tr>{head}</tr></thead>" if any(one.strip("#") for one in heads) else ""
    none = f'<tr><td colspan="{len(heads)}">none</td></tr>'
    return (
        f'<h2>{escape(title)}</h2><div class="scroll"><table>{top}'
        f"<tbody>{body or none}</tbody></table></div>"
    )


def _cell(head: str, value: Any) -> str:
    text = f"{value:,}" if isinstance(value, int) else str(value)
    return f"<td{_kind(head)}>{escape(text)}</td>"


def _kind(head: str) -> str:
    return ' class="n"' if head.startswith("#") else ""


def _chart(
    title: str,
    days: Sequence[Mapping[str, Any]],
    heights: Callable[[Mapping[str, Any]], tuple[int, int]],
    shown: Callable[[int], str],
) -> str:
    """Bars, one a day, of two parts; every bar says its values to who points at it or listens."""
    values = [heights(day) for day in days]
    most = max((a + b for a, b in values), default=0)
    wide = WIDTH / max(len(days), 1)
    bars = []
    for at, (day, (low, high)) in enumerate(zip(days, values, strict=True)):
        first = HEIGHT * low / most if most else 0.0
        second = HEIGHT * high / most if most else 0.0
        told = f"{day['day']}: {shown(low)}" + (f" + {shown(high)}" if high else "")
        x, width = at * wide, wide * 0.8
        bars.append(
            f"<g><title>{escape(told)}</title>"
            f'<rect class="a" x="{x:.1f}" y="{HEIGHT - first:.1f}" width="{width:.1f}" '
            f'height="{first:.1f}"/>'
            f'<rect class="b" x="{x:.1f}" y="{HEIGHT - first - second:.1f}" width="{width:.1f}" '
            f'height="{second:.1f}"/></g>'
        )
    total = shown(sum(a + b for a, b in values))
    return (
        f'<h2>{escape(title)}</h2><svg viewBox="0 0 {WIDTH} {HEIGHT + 18}" role="img" '
        f'aria-label="{escape(title)}: {total} in {len(days)} days, at most {shown(most)} a day">'
        f"{''.join(bars)}"
        f'<text x="0" y="{HEIGHT + 14}">{days[0]["day"]}</text>'
        f'<text x="{WIDTH}" y="{HEIGHT + 14}" text-anchor="end">{days[-1]["day"]}, at most '
        f"{shown(most)}</text></svg>"
    )


def _amounts(totals: Mapping[str, int]) -> Iterable[tuple[str, Any]]:
    for name, value in totals.items():
        if name.endswith("_nano"):
            yield f"{name.removesuffix('_nano')}, TON", _ton(value)
        else:
            yield name.replace("_", " "), value


def _ton(nano: int) -> str:
    return f"{nano / NANO_PER_TON:,.6f}".rstrip("0").rstrip(".")
