"""Our reader of quotes, reports and platform certificates: only expected errors come out."""

import contextlib

from cocoon.attestation.evidence.pck import parse_pck_chain, parse_pck_extension
from cocoon.attestation.evidence.td_report import parse_td_report
from cocoon.attestation.evidence.tdx_quote import parse_quote
from cocoon.errors import EvidenceError
from cocoon.testing.intel import intel_lab

QUOTES = tuple(intel_lab().quotes.values())


def fuzz_one(data: bytes) -> None:
    original = QUOTES[data[0] % len(QUOTES)] if data else QUOTES[0]
    at = int.from_bytes(data[1:3], "big") % len(original)
    patch = data[3:]
    for candidate in (data, original[:at] + patch + original[at + len(patch) :]):
        try:
            quote = parse_quote(candidate)
            if not candidate.startswith(quote.signed):
                raise AssertionError("what is signed is not the front of the quote")
            parse_pck_chain(quote)
        except EvidenceError:
            pass
    for parse in (parse_td_report, parse_pck_extension):
        with contextlib.suppress(EvidenceError):
            parse(data)


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
