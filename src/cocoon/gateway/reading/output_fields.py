"""Fields that say what the answer should be like, and those that only concern the caller."""

import re
from typing import Final

from msgspec import Raw

from cocoon.gateway.reading import fields
from cocoon.gateway.reading.fields import first_byte, invalid_type, invalid_value, missing
from cocoon.gateway.refusal import Refusal

MAX_SCHEMA_BYTES: Final = 2**18
"""Bytes of JSON of ``response_format``."""
MAX_BIASES: Final = 1024
MAX_METADATA: Final = 16
MAX_METADATA_NAME: Final = 64
MAX_METADATA_VALUE: Final = 512

_format_name = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_token = re.compile(r"\d{1,10}")
_check_format = fields.one_of("text", "json_object", "json_schema")


def check_response_format(raw: Raw, name: str = "response_format") -> str:
    """Check the form that the answer must have; returns its type.

    Raises:
        Refusal: it makes no sense.
    """
    if len(memoryview(raw)) > MAX_SCHEMA_BYTES:
        raise Refusal(
            f"Invalid '{name}': too large. Expected at most {MAX_SCHEMA_BYTES} bytes of JSON.",
            param=name,
            code="string_above_max_length",
        )
    members = fields.take_object(raw, name)
    if "type" not in members:
        raise missing(f"{name}.type")
    _check_format(members["type"], f"{name}.type")
    kind = fields.take_string(members["type"], f"{name}.type", 64)
    if kind == "json_schema":
        if "json_schema" not in members:
            raise missing(f"{name}.json_schema")
        _check_schema(members["json_schema"], f"{name}.json_schema")
    return kind


def _check_schema(raw: Raw, at: str) -> None:
    members = fields.take_object(raw, at)
    for name in ("name", "schema"):
        if name not in members:
            raise missing(f"{at}.{name}")
    name = fields.take_string(members["name"], f"{at}.name", 64, least=1)
    if not _format_name.fullmatch(name):
        raise invalid_value(f"{at}.name", "expected letters, digits, '_' and '-' only.")
    fields.obj(members["schema"], f"{at}.schema")
    strict = members.get("strict")
    if strict is not None and first_byte(strict) != ord("n"):
        fields.take_bool(strict, f"{at}.strict")


def check_logit_bias(raw: Raw, name: str) -> None:
    """An object of token numbers, each with a number from -100 to 100."""
    members = fields.take_object(raw, name)
    if len(members) > MAX_BIASES:
        raise Refusal(
            f"Invalid '{name}': too many members. Expected at most {MAX_BIASES}.",
            param=name,
            code="object_above_max_properties",
        )
    for token, bias in members.items():
        if not _token.fullmatch(token):
            raise invalid_value(name, "its names must be token numbers.")
        fields.take_number(bias, name, -100, 100)


def check_metadata(raw: Raw, name: str) -> None:
    """At most 16 short strings with short names."""
    members = fields.take_object(raw, name)
    if len(members) > MAX_METADATA:
        raise Refusal(
            f"Invalid '{name}': too many properties. Expected an object with at most "
            f"{MAX_METADATA} properties.",
            param=name,
            code="object_above_max_properties",
        )
    for key, value in members.items():
        if len(key) > MAX_METADATA_NAME:
            raise Refusal(
                f"Invalid '{name}': property name too long. Expected at most "
                f"{MAX_METADATA_NAME} characters.",
                param=name,
                code="property_name_above_max_length",
            )
        fields.take_string(value, name, MAX_METADATA_VALUE)


def check_store(raw: Raw, name: str) -> None:
    """False: nothing is stored here."""
    if fields.take_bool(raw, name):
        raise fields.unsupported(name, "Nothing is stored here; leave it out or send false.")


def check_modalities(raw: Raw, name: str) -> None:
    """Text alone."""
    for index, item in enumerate(fields.take_list(raw, name, 8, least=1)):
        if fields.take_string(item, f"{name}[{index}]", 64) != "text":
            raise fields.unsupported(
                f"{name}[{index}]", "Chats answer in text; /v1/audio/speech speaks."
            )


def check_logprobs(raw: Raw, name: str) -> None:
    """For text completions: how many alternatives to tell, at most 5."""
    if first_byte(raw) in b"tf":
        raise invalid_type(raw, name, "an integer")
    fields.take_int(raw, name, 0, 5)
