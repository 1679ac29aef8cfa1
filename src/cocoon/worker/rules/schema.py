"""Limits for JSON schemas that engines compile to grammars.

A grammar can be far larger than the schema that it comes from: a bounded repetition is unrolled, a
pattern is a regular expression, alternatives multiply. OpenAI's documented limits hold (5000
properties, 1000 enum values), and bounds on what else grows. A reference points into the schema
itself: nothing is fetched.
"""

import re
from typing import Any, Final

import msgspec

from cocoon.wire import refusals
from cocoon.worker.rules.values import BAD_JSON, Rule, starts_with

MAX_SCHEMA: Final = 256 << 10
"""Bytes of one schema."""
MAX_SCHEMA_DEPTH: Final = 32
MAX_SCHEMA_NODES: Final = 20_000
"""Values of any kind in one schema."""
MAX_ENUM: Final = 1000
MAX_REPEAT: Final = 2000
"""Largest number of repetitions that an engine may have to unroll."""
MAX_PATTERN: Final = 512
MAX_PATTERN_REPEATS: Final = 8
MAX_UNROLLED: Final = 10_000
"""Characters of a pattern whose counted repetitions are written out, nested ones too."""
MAX_NESTED: Final = MAX_REPEAT**2
"""Largest product of repetitions that stand in each other."""

_REPEATS: Final = frozenset(
    {"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"}
)
_REFERENCES: Final = frozenset({"$ref", "$dynamicRef", "$recursiveRef"})


def _inside(raw: msgspec.Raw, path: str) -> msgspec.Raw:
    if len(memoryview(raw)) > MAX_SCHEMA:
        raise refusals.wrong(path, f"have at most {MAX_SCHEMA} bytes")
    try:
        schema = msgspec.json.decode(raw)
    except BAD_JSON:
        raise refusals.wrong(path, "be a JSON schema") from None
    _Walk(path).check(schema)
    return msgspec.Raw(msgspec.json.encode(schema))


class _Walk:
    def __init__(self, path: str) -> None:
        self._path = path
        self._nodes = 0

    def check(self, value: Any, depth: int = 0, times: int = 1) -> None:
        """Check a schema, or what stands in one, inside of so many repetitions."""
        self._nodes += 1
        if depth > MAX_SCHEMA_DEPTH or self._nodes > MAX_SCHEMA_NODES:
            limits = f"{MAX_SCHEMA_DEPTH} levels and {MAX_SCHEMA_NODES} values"
            raise refusals.wrong(self._path, f"have at most {limits}")
        if isinstance(value, dict):
            for name, inner in value.items():
                self._named(name, inner)
            times *= _repeated(value)
            if times > MAX_NESTED:
                self._refuse(f"repeat nothing more than {MAX_NESTED} times in all")
            for inner in value.values():
                self.check(inner, depth + 1, times)
        elif isinstance(value, list):
            for inner in value:
                self.check(inner, depth + 1, times)

    def _named(self, name: str, value: Any) -> None:
        # A property may be called like a keyword; then its value is a schema and no number.
        if name in _REPEATS and isinstance(value, int | float) and value > MAX_REPEAT:
            self._refuse(f"have no {name} over {MAX_REPEAT}")
        elif name in _REFERENCES and isinstance(value, str) and not value.startswith("#"):
            self._refuse("refer to nothing outside of itself")
        elif name == "enum" and isinstance(value, list) and len(value) > MAX_ENUM:
            self._refuse(f"have at most {MAX_ENUM} values in an enum")
        elif name == "pattern" and isinstance(value, str):
            self._pattern(value)
        elif name == "patternProperties" and isinstance(value, dict):
            for pattern in value:
                self._pattern(pattern)

    def _pattern(self, pattern: str) -> None:
        """A short expression with few and small counted repetitions."""
        counts = [part.partition("}")[0] for part in pattern.split("{")[1:]]
        numbers = [int(n) for count in counts for n in count.split(",") if n.isdecimal()]
        if (
            len(pattern) > MAX_PATTERN
            or len(numbers) > MAX_PATTERN_REPEATS
            or any(number > MAX_PATTERN for number in numbers)
            or _unrolled(pattern) > MAX_UNROLLED
        ):
            self._refuse(f"have patterns of at most {MAX_PATTERN} characters and repetitions")

    def _refuse(self, rule: str) -> None:
        raise refusals.wrong(self._path, rule)


def _repeated(schema: dict[str, Any]) -> int:
    """How often a schema's own bounds repeat what it holds."""
    bounds = (schema.get(name) for name in _REPEATS)
    return max((int(n) for n in bounds if isinstance(n, int | float) and n > 1), default=1)


_TOKEN = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|\{(\d{1,4})?(,)?(\d{1,4})?\}|.", re.DOTALL)


def _unrolled(pattern: str) -> int:
    """Length of a pattern whose counted repetitions are written out; at most what they can make."""
    sizes, last = [0], 0
    for token in _TOKEN.finditer(pattern):
        text = token[0]
        if text == "(":
            sizes.append(0)
            last = 0
        elif text == ")" and len(sizes) > 1:
            last = sizes.pop()
            sizes[-1] += last
        elif text[0] == "{" and len(text) > 1:
            count = max(int(token[1] or 0), int(token[3] or 0), 1)
            sizes[-1] += last * (count - 1)
            last *= count
        else:
            last = 1
            sizes[-1] += 1
    return sum(sizes)


SCHEMA: Final = Rule("a JSON schema, as an object", starts_with(b"{"), _inside)
