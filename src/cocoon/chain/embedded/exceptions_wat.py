"""C++ exceptions of the emulator, as two small WebAssembly modules beside it.

An Emscripten build leaves its exceptions to JavaScript: every guarded call goes through an import
``invoke_…``, and throwing, matching and catching are imports too. In Python each of them would be a
call out of WebAssembly, thousands a transaction. So two generated modules do it inside:

* *stubs* gives the emulator its imports and forwards each through a table;
* *handlers*, instantiated after the emulator, fills that table with the implementations, which need
  the emulator's memory, function table and allocator, and WebAssembly's own exceptions.

The rules are those of Emscripten's runtime (``library_exceptions.js``): a header of 24 bytes lies
before each exception object.
"""

from collections.abc import Mapping
from dataclasses import dataclass

CLOCK = "_clock_time_get"
_PREFIXES = ("___cxa_", "___resumeException", "_llvm_eh_typeid_for", "invoke_", CLOCK)
_CAUGHT_STACK_BYTES = 65536

# Places in the header, as distances before the object.
_ADJUSTED_POINTER, _RETHROWN, _CAUGHT, _DESTRUCTOR, _TYPE = 8, 11, 12, 16, 20


@dataclass(frozen=True, slots=True)
class Signature:
    """Parameter and result types of a function, as WebAssembly writes them."""

    params: tuple[str, ...]
    results: tuple[str, ...]

    def __str__(self) -> str:
        params = f"(param {' '.join(self.params)})" if self.params else ""
        results = f" (result {' '.join(self.results)})" if self.results else ""
        return params + results


def is_handled(c_name: str) -> bool:
    """Whether an import of this name is one of ours; the others are the host's."""
    return c_name.startswith(_PREFIXES)


def stubs_wat(imports: Mapping[str, tuple[str, Signature]]) -> str:
    """Text of the first module.

    Args:
        imports: C name and signature by short name, of the handled imports in a fixed order.
    """
    lines = [f'(module (table $d (export "handlers") {len(imports)} funcref)']
    for number, (short, (_, signature)) in enumerate(imports.items()):
        arguments = _locals(0, len(signature.params))
        call = f"(call_indirect $d {signature} {arguments} (i32.const {number}))"
        lines.append(f'(func (export "{short}") {signature} {call})')
    return "\n".join([*lines, ")"])


def handlers_wat(
    imports: Mapping[str, tuple[str, Signature]], export_names: Mapping[str, str]
) -> str:
    """Text of the second module.

    Args:
        imports: as for :func:`stubs_wat`, in the same order.
        export_names: short names of the emulator's exports by C name.
    """
    lines = [_prelude(len(imports), export_names)]
    for number, (c_name, signature) in enumerate(imports.values()):
        lines.append(f"(func $f{number} {signature} {_body(c_name, signature)})")
    functions = " ".join(f"$f{number}" for number in range(len(imports)))
    lines.append(f"(elem (table $d) (i32.const 0) func {functions}))")
    return "\n".join(lines)


_EMULATOR_FUNCTIONS = (
    ("_setThrew", "setThrew", "(param i32 i32)"),
    ("__emscripten_tempret_set", "tempret", "(param i32)"),
    ("__emscripten_stack_restore", "restore", "(param i32)"),
    ("_emscripten_stack_get_current", "save", "(result i32)"),
    ("___cxa_decrement_exception_refcount", "dec", "(param i32)"),
    ("___cxa_increment_exception_refcount", "inc", "(param i32)"),
    ("___cxa_can_catch", "can_catch", "(param i32 i32 i32) (result i32)"),
    ("___cxa_get_exception_ptr", "pointer", "(param i32) (result i32)"),
    ("_malloc", "malloc", "(param i32) (result i32)"),
)


def _prelude(count: int, names: Mapping[str, str]) -> str:
    functions = "\n".join(
        f'(import "emulator" "{names[c_name]}" (func ${label} {signature}))'
        for c_name, label, signature in _EMULATOR_FUNCTIONS
    )
    return f"""(module
      (import "stubs" "handlers" (table $d {count} funcref))
      (import "emulator" "{names["memory"]}" (memory 1))
      (import "emulator" "{names["__indirect_function_table"]}" (table $t 1 funcref))
      {functions}
      (tag $exception)
      (global $clock (export "clock") (mut i64) (i64.const 1))
      (global $last (mut i32) (i32.const 0))
      (global $uncaught (mut i32) (i32.const 0))
      (global $caught (mut i32) (i32.const 0))
      (global $depth (mut i32) (i32.const 0))
      (func (export "init")
        (global.set $caught (call $malloc (i32.const {_CAUGHT_STACK_BYTES}))))
      (func $slot (result i32)
        (i32.add (global.get $caught) (i32.shl (global.get $depth) (i32.const 2))))
      (func $push (param i32)
        (if (i32.ge_u (global.get $depth) (i32.const {_CAUGHT_STACK_BYTES // 4}))
          (then (unreachable)))
        (i32.store (call $slot) (local.get 0))
        (global.set $depth (i32.add (global.get $depth) (i32.const 1))))
      (func $pop (result i32)
        (if (i32.eqz (global.get $depth)) (then (unreachable)))
        (global.set $depth (i32.sub (global.get $depth) (i32.const 1)))
        (i32.load (call $slot)))
      (func $add_uncaught (param i32)
        (global.set $uncaught (i32.add (global.get $uncaught) (local.get 0))))"""


def _before(pointer: str, distance: int) -> str:
    return f"(i32.sub {pointer} (i32.const {distance}))"


_OBJECT = "(local.get 0)"

_BODIES = {
    "___cxa_throw": f"""
      (i32.store {_before(_OBJECT, _ADJUSTED_POINTER)} (i32.const 0))
      (i32.store {_before(_OBJECT, _TYPE)} (local.get 1))
      (i32.store {_before(_OBJECT, _DESTRUCTOR)} (local.get 2))
      (global.set $last {_OBJECT})
      (call $add_uncaught (i32.const 1))
      (throw $exception)""",
    "___cxa_begin_catch": f"""
      (if (i32.eqz (i32.load8_u {_before(_OBJECT, _CAUGHT)})) (then
        (i32.store8 {_before(_OBJECT, _CAUGHT)} (i32.const 1))
        (call $add_uncaught (i32.const -1))))
      (i32.store8 {_before(_OBJECT, _RETHROWN)} (i32.const 0))
      (call $push {_OBJECT})
      (call $inc {_OBJECT})
      (call $pointer {_OBJECT})""",
    "___cxa_end_catch": """
      (call $setThrew (i32.const 0) (i32.const 0))
      (call $dec (call $pop))
      (global.set $last (i32.const 0))""",
    "___cxa_rethrow": f"""(local $p i32)
      (local.set $p (call $pop))
      (if (i32.eqz (i32.load8_u {_before("(local.get $p)", _RETHROWN)})) (then
        (call $push (local.get $p))
        (i32.store8 {_before("(local.get $p)", _RETHROWN)} (i32.const 1))
        (i32.store8 {_before("(local.get $p)", _CAUGHT)} (i32.const 0))
        (call $add_uncaught (i32.const 1))))
      (global.set $last (local.get $p))
      (throw $exception)""",
    "___resumeException": f"""
      (if (i32.eqz (global.get $last)) (then (global.set $last {_OBJECT})))
      (throw $exception)""",
    "___cxa_uncaught_exceptions": "(global.get $uncaught)",
    "_llvm_eh_typeid_for": "(local.get 0)",
    # The emulator asks for the time hundreds of times a transaction, only for its log: a counter
    # that the host sets before each call. A contract sees the time that the call names.
    CLOCK: """
      (i64.store (local.get 2) (global.get $clock))
      (global.set $clock (i64.add (global.get $clock) (i64.const 1000)))
      (i32.const 0)""",
}


def _body(c_name: str, signature: Signature) -> str:
    if c_name.startswith("invoke_"):
        return _invoke(signature)
    if c_name.startswith("___cxa_find_matching_catch_"):
        return _find_matching_catch(len(signature.params))
    return _BODIES[c_name]


def _invoke(signature: Signature) -> str:
    """Call through the emulator's table; on an exception, restore the stack and say so."""
    inner = Signature(signature.params[1:], signature.results)
    arguments = _locals(1, len(signature.params))
    result = f"(result {signature.results[0]})" if signature.results else ""
    zero = f"({signature.results[0]}.const 0)" if signature.results else ""
    return f"""(local $sp i32)
      (local.set $sp (call $save))
      (block $thrown
        (try_table {result} (catch $exception $thrown)
          (call_indirect $t {inner} {arguments} (local.get 0)))
        (return))
      (call $restore (local.get $sp))
      (call $setThrew (i32.const 1) (i32.const 0))
      {zero}"""


def _find_matching_catch(count: int) -> str:
    """Which of the caught types fits what was thrown."""
    tests = "".join(
        f"""
      (if (i32.or (i32.eqz (local.get {k})) (i32.eq (local.get {k}) (local.get $type)))
        (then (call $tempret (local.get $type)) (return (local.get $thrown))))
      (if (call $can_catch (local.get {k}) (local.get $type)
            {_before("(local.get $thrown)", _ADJUSTED_POINTER)})
        (then (call $tempret (local.get {k})) (return (local.get $thrown))))"""
        for k in range(count)
    )
    return f"""(local $thrown i32) (local $type i32)
      (local.set $thrown (global.get $last))
      (if (i32.eqz (local.get $thrown))
        (then (call $tempret (i32.const 0)) (return (i32.const 0))))
      (i32.store {_before("(local.get $thrown)", _ADJUSTED_POINTER)} (local.get $thrown))
      (local.set $type (i32.load {_before("(local.get $thrown)", _TYPE)}))
      (if (i32.eqz (local.get $type))
        (then (call $tempret (i32.const 0)) (return (local.get $thrown)))){tests}
      (call $tempret (local.get $type))
      (local.get $thrown)"""


def _locals(first: int, end: int) -> str:
    return " ".join(f"(local.get {number})" for number in range(first, end))
