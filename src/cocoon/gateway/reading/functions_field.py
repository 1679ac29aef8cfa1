"""``functions`` and ``function_call``, the form of tools before ``tools``, written as tools.

Workers' engines know tools only. The answer goes back through
:class:`cocoon.gateway.answers.functions_shape.FunctionsShape`.
"""

from typing import Final

import msgspec
from msgspec import Raw

from cocoon.gateway.reading import fields
from cocoon.gateway.reading.fields import Members, first_byte, invalid_type, invalid_value, missing
from cocoon.gateway.reading.messages_field import MAX_MESSAGES, MAX_NAME
from cocoon.gateway.reading.tools_field import check_function, check_functions

_CALL: Final = "function_call"
_check_word = fields.one_of("none", "auto")
_encoder = msgspec.json.Encoder()


def uses_functions(members: Members, body: bytes) -> bool:
    """Whether a chat is written in the old form; ``body`` is all of it."""
    return "functions" in members or _CALL in members or b'"function_call"' in body


def write_as_tools(members: Members) -> bool:
    """Replace the old form by tools; returns whether the answer must be in the old form too.

    Raises:
        Refusal: something in it is wrong, or both forms are used.
    """
    if "messages" in members:
        members["messages"] = _messages(members["messages"])
    choice = members.pop(_CALL, None)
    functions = members.pop("functions", None)
    if functions is None or bytes(functions) == b"[]":
        if choice is not None:
            raise invalid_value(_CALL, f"'{_CALL}' is only allowed when 'functions' are specified.")
        return False
    for name in ("tools", "tool_choice"):
        if name in members:
            raise invalid_value("functions", f"it cannot be used together with '{name}'.")
    check_functions(functions)
    items = fields.take_list(functions, "functions", fields.INT32_MAX)
    names = [check_function(item, f"functions[{n}]") for n, item in enumerate(items)]
    tools = b",".join(b'{"type":"function","function":%b}' % bytes(item) for item in items)
    members["tools"] = Raw(b"[%b]" % tools)
    if choice is not None:
        members["tool_choice"] = _choice(choice, names)
    return True


def _choice(raw: Raw, names: list[str]) -> Raw:
    if first_byte(raw) == 0x22:
        _check_word(raw, _CALL)
        return raw
    if first_byte(raw) != 0x7B:
        raise invalid_type(raw, _CALL, "one of 'none', 'auto', or an object")
    choice = fields.take_object(raw, _CALL)
    if "name" not in choice:
        raise missing(f"{_CALL}.name")
    name = fields.take_string(choice["name"], f"{_CALL}.name", MAX_NAME)
    if name not in names:
        raise invalid_value(_CALL, "the function is not among the 'functions'.")
    return Raw(b'{"type":"function","function":{"name":%b}}' % _encoder.encode(name))


def _messages(raw: Raw) -> Raw:
    """The messages, calls and their results as those of tools."""
    call = 0
    answered = True
    written: list[Raw | Members] = []
    for index, item in enumerate(fields.take_list(raw, "messages", MAX_MESSAGES)):
        at = f"messages[{index}]"
        if first_byte(item) != 0x7B:
            return raw  # whoever checks messages says what is wrong
        message = fields.take_object(item, at)
        if _CALL in message and first_byte(message[_CALL]) != ord("n"):
            call += 1
            answered = False
            written.append(_call_message(message, at, call))
        elif bytes(message.get("role", b"")) == b'"function"':
            if answered:
                raise invalid_value(at, f"no '{_CALL}' before it waits for a result.")
            answered = True
            written.append(_result_message(message, call))
        else:
            message.pop(_CALL, None)
            written.append(message)
    return Raw(_encoder.encode(written))


def _call_message(message: Members, at: str, number: int) -> Members:
    if "tool_calls" in message and first_byte(message["tool_calls"]) != ord("n"):
        raise invalid_value(f"{at}.{_CALL}", "it cannot be used together with 'tool_calls'.")
    function = fields.take_object(message.pop(_CALL), f"{at}.{_CALL}")
    for name in ("name", "arguments"):
        if name not in function:
            raise missing(f"{at}.{_CALL}.{name}")
        if first_byte(function[name]) != 0x22:
            raise invalid_type(function[name], f"{at}.{_CALL}.{name}", "a string")
    told = b'[{"id":"call_%d","type":"function","function":{"name":%b,"arguments":%b}}]'
    told %= number, bytes(function["name"]), bytes(function["arguments"])
    message["tool_calls"] = Raw(told)
    return message


def _result_message(message: Members, number: int) -> Members:
    content = message.get("content")
    if content is None or first_byte(content) == ord("n"):
        content = Raw(b'""')
    identity = Raw(b'"call_%d"' % number)
    return {"role": Raw(b'"tool"'), "tool_call_id": identity, "content": content}
