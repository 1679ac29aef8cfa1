"""Any text of a model: calls are read from it, and in pieces it gives what it gives whole."""

from cocoon.engine.enforcement import CallArguments, CallEvent, CallReader, ToolPlan

_NAMES = frozenset({"f"})


def fuzz_one(data: bytes) -> None:
    text = data.decode(errors="replace")
    for start in ("", '[{"name":"f","arguments":{'):
        for certain in (True, False):
            plan = ToolPlan(_NAMES, certain)
            whole = _merged(_read(plan, start + text, len(start + text) or 1))
            assert _merged(_read(plan, start + text, 3)) == whole


def _read(plan: ToolPlan, text: str, step: int) -> list[CallEvent]:
    reader = CallReader(plan)
    events: list[CallEvent] = []
    for at in range(0, len(text), step):
        events += reader.feed(text[at : at + step])
    return events + reader.end()


def _merged(events: list[CallEvent]) -> list[CallEvent]:
    out: list[CallEvent] = []
    for event in events:
        last = out[-1] if out else None
        if isinstance(event, str) and isinstance(last, str):
            out[-1] = last + event
        elif isinstance(event, CallArguments) and isinstance(last, CallArguments):
            if event.index == last.index:
                out[-1] = CallArguments(last.index, last.text + event.text)
                continue
            out.append(event)
        else:
            out.append(event)
    return out


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
