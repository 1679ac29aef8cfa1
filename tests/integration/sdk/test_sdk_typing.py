"""What the SDK returns is typed, as mypy sees it from a caller's file."""

import subprocess
import sys
from pathlib import Path

SAMPLE = """
import asyncio
import openai
import cocoon

ai = cocoon.Client(config="client.toml", timeout=30)
answer = ai.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}])
text: str | None = answer.choices[0].message.content
with ai.with_options(max_retries=0) as other:
    balance: cocoon.Balance = other.balance()
    verification: cocoon.Verification = other.verify()
quote: cocoon.Quote = ai.quote(model="m")
cost: cocoon.Cost | None = cocoon.cost_of(answer)
plain = openai.OpenAI(http_client=cocoon.transport(), api_key="unused")
stream = plain.chat.completions.create(
    model="m", messages=[{"role": "user", "content": "x"}], stream=True,
    extra_body=cocoon.options(max_cost=1),
)
first: str | None = next(stream).choices[0].delta.content

async def main() -> cocoon.Quote:
    async with cocoon.AsyncClient(devnet="here") as client:
        found: cocoon.Verification = await client.verify()
        return await client.quote(model="m")

asyncio.run(main())
wrong: int = ai.balance()
"""


def test_a_callers_file_checks(tmp_path: Path) -> None:
    sample = tmp_path / "sample.py"
    sample.write_text(SAMPLE)
    options = ["--strict", "--config-file=", "--cache-dir", ".mypy_cache/sample"]
    found = subprocess.run(
        [sys.executable, "-m", "mypy", *options, "--follow-imports=silent", str(sample)],
        check=False,
        capture_output=True,
        text=True,
        timeout=55,
    )
    last = len(SAMPLE.splitlines())
    errors = [line for line in found.stdout.splitlines() if ": error:" in line]
    assert len(errors) == 1, found.stdout
    assert f"sample.py:{last}: error: Incompatible types in assignment" in errors[0]
