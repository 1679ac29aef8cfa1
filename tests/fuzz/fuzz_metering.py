"""Any answer passes through unchanged and yields sane counts."""

from cocoon.engine.metering import MAX_TOKENS, Meter, UsageCost


def fuzz_one(data: bytes) -> None:
    if len(data) < 2:
        return
    size = 1 + data[0] % 32
    content_type = "text/event-stream" if data[1] & 1 else "application/json"
    annotate = (lambda usage: UsageCost(usage.prompt, 0, 0)) if data[1] & 2 else None
    body = data[2:]
    results = []
    for step in (size, max(1, len(body))):
        meter = Meter(
            status=200, content_type=content_type, request_size=len(body), annotate=annotate
        )
        out = b"".join(meter.feed(body[i : i + step]) for i in range(0, len(body), step))
        out += meter.end()
        if annotate is None and out != body:
            raise AssertionError("bytes changed")
        results.append(meter.finish())
    usage = results[0]
    if results[0] != results[1]:
        raise AssertionError("usage depends on how the answer was cut")
    if not 0 <= usage.cached <= usage.prompt <= MAX_TOKENS:
        raise AssertionError("prompt out of range")
    if not 0 <= usage.reasoning <= usage.completion <= MAX_TOKENS:
        raise AssertionError("completion out of range")


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
