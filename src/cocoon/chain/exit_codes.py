"""What the contracts' exit codes mean, and what to do about them (``onchain.md`` §1.2, §8)."""

from dataclasses import dataclass
from typing import Final

OK: Final = 0
ALTERNATIVE_OK: Final = 1
OLD_MESSAGE: Final = 1000
LOW_BALANCE: Final = 1001
LOW_VALUE: Final = 1003
BAD_NET_ADDRESS: Final = 1004
ENVELOPE_MISMATCH: Final = 1005
WRONG_STATE: Final = 1006
BAD_SIGNATURE: Final = 1007
BAD_PARAMS_LAYOUT: Final = 1008
NOT_CLIENT_OWNER: Final = 1009
NOT_OWNER: Final = 1010
TOO_EARLY: Final = 1011
UNKNOWN_OPERATION: Final = 1012
UNKNOWN_TEXT_COMMAND: Final = 1013
NOT_CHILD_CONTRACT: Final = 1014
OTHER_CONTRACT: Final = 1015
OUT_OF_RANGE: Final = 1020
WALLET_EXPIRED: Final = 1030
WALLET_BLOCKED: Final = 1031
WALLET_SEQNO: Final = 1032
WALLET_SUBWALLET: Final = 1033
WALLET_SIGNATURE: Final = 1034
WALLET_LOW_BALANCE: Final = 1035
WALLET_SEND_MODE: Final = 1036
WALLET_NOT_OWNER: Final = 1040
WALLET_UNKNOWN_COMMAND: Final = 1041
GOVERNOR_UNKNOWN_PROPOSAL: Final = 1050
GOVERNOR_OTHER_CONTENT: Final = 1051
GOVERNOR_OTHER_RULES: Final = 1052
GOVERNOR_ALREADY_APPROVED: Final = 1053
GOVERNOR_NOT_APPROVED: Final = 1054
GOVERNOR_NOT_ENOUGH: Final = 1055
GOVERNOR_EXPIRED: Final = 1057
GOVERNOR_QUEUE_FULL: Final = 1058
GOVERNOR_BAD_ACTION: Final = 1059
GOVERNOR_NO_LOWERING: Final = 1060
GOVERNOR_ANNOUNCED: Final = 1061
UNKNOWN_PROXY: Final = 2000


@dataclass(frozen=True, slots=True)
class ExitCode:
    """Meaning of an exit code.

    Args:
        code: the number.
        meaning: what happened.
        advice: what the person who reads it can do.
    """

    code: int
    meaning: str
    advice: str


_TABLE: Final = (
    ExitCode(OLD_MESSAGE, "old message", "a newer counter was used already: nothing to do"),
    ExitCode(
        LOW_BALANCE,
        "not enough money in the contract, or nothing to pay",
        "attach more TON, or wait until the proxy has charged its clients or raised its stake",
    ),
    ExitCode(LOW_VALUE, "attached value or new stake too low", "send more"),
    ExitCode(BAD_NET_ADDRESS, "malformed network address", "give ip:port, or two with a space"),
    ExitCode(
        ENVELOPE_MISMATCH, "the envelope differs from what was signed", "ask for a new signature"
    ),
    ExitCode(
        WRONG_STATE, "the contract is closing or closed", "look at its state; use another proxy"
    ),
    ExitCode(BAD_SIGNATURE, "wrong signature", "check that the key belongs to this contract"),
    ExitCode(
        BAD_PARAMS_LAYOUT, "parameters of another layout", "use contracts of the network's version"
    ),
    ExitCode(NOT_CLIENT_OWNER, "sender is not the owner", "send it from the client's wallet"),
    ExitCode(NOT_OWNER, "sender is not the owner", "send it from the owner's wallet"),
    ExitCode(TOO_EARLY, "the waiting time is not over", "try again after the unlock time"),
    ExitCode(UNKNOWN_OPERATION, "unknown operation", "the contract is of another version"),
    ExitCode(UNKNOWN_TEXT_COMMAND, "unknown text command", "send one of the known letters"),
    ExitCode(
        NOT_CHILD_CONTRACT,
        "sender is not the derived contract",
        "contracts of different parameters were mixed: check the root's version",
    ),
    ExitCode(
        OTHER_CONTRACT, "signed for another contract", "check that the addresses are of one network"
    ),
    ExitCode(OUT_OF_RANGE, "a value is out of the allowed range", "choose a value inside it"),
    ExitCode(WALLET_EXPIRED, "the message expired", "send it again; check the clock"),
    ExitCode(WALLET_BLOCKED, "the wallet is blocked by its owner", "unblock it: comment 'u'"),
    ExitCode(WALLET_SEQNO, "sequence number differs", "another message was first: send it again"),
    ExitCode(WALLET_SUBWALLET, "another subwallet", "check the wallet's version"),
    ExitCode(WALLET_SIGNATURE, "wrong signature", "check that the key belongs to this wallet"),
    ExitCode(WALLET_LOW_BALANCE, "the wallet has less than 2 TON", "send TON to it"),
    ExitCode(WALLET_SEND_MODE, "a send mode is not allowed", "use 0 to 3 or 128 to 131"),
    ExitCode(WALLET_NOT_OWNER, "sender is not the wallet's owner", "send it from the owner"),
    ExitCode(WALLET_UNKNOWN_COMMAND, "unknown command", "use w, b or u"),
    ExitCode(GOVERNOR_UNKNOWN_PROPOSAL, "no such proposal", "list the queue"),
    ExitCode(
        GOVERNOR_OTHER_CONTENT, "the proposal is another one", "look at it again, then approve"
    ),
    ExitCode(
        GOVERNOR_OTHER_RULES, "the owners' rules have changed", "look at it and approve it again"
    ),
    ExitCode(GOVERNOR_ALREADY_APPROVED, "this owner has approved already", "nothing to do"),
    ExitCode(GOVERNOR_NOT_APPROVED, "this owner has not approved", "nothing to do"),
    ExitCode(GOVERNOR_NOT_ENOUGH, "approvals are missing", "more owners must approve"),
    ExitCode(GOVERNOR_EXPIRED, "the proposal has expired", "propose it again"),
    ExitCode(
        GOVERNOR_QUEUE_FULL, "too many open proposals", "execute or withdraw some of your own"
    ),
    ExitCode(GOVERNOR_BAD_ACTION, "the action is malformed or too large", "propose another one"),
    ExitCode(
        GOVERNOR_NO_LOWERING,
        "prices that shall hold at once lower none, or raise one",
        "propose them with an announcement",
    ),
    ExitCode(
        GOVERNOR_ANNOUNCED,
        "other prices are announced already",
        "propose to replace them, or wait until they hold",
    ),
    ExitCode(UNKNOWN_PROXY, "no proxy is registered under this number", "check the number"),
    ExitCode(-14, "out of gas", "attach more TON"),
    ExitCode(2, "stack underflow in the contract", "the contract is broken or of another version"),
    ExitCode(4, "integer overflow", "choose a smaller amount"),
    ExitCode(5, "a value is out of range", "the contract has less money than it should pay"),
    ExitCode(8, "cell overflow", "the message is too large"),
    ExitCode(9, "the message is malformed", "the contract is of another version"),
    ExitCode(13, "out of gas", "attach more TON"),
)
EXIT_CODES: Final = {entry.code: entry for entry in _TABLE}

_ACTION_TABLE: Final = (
    ExitCode(33, "too many actions", "the contract is broken or of another version"),
    ExitCode(34, "an action is invalid", "the contract is broken or of another version"),
    ExitCode(37, "not enough TON for an action", "send TON to the contract"),
    ExitCode(38, "not enough extra currency for an action", "send it to the contract"),
    ExitCode(40, "not enough TON to forward the message", "attach more TON"),
)
ACTION_CODES: Final = {entry.code: entry for entry in _ACTION_TABLE}
"""Result codes of the action phase, where messages are sent; 0 is well."""


def describe(code: int) -> str:
    """One line for people about the exit code of a contract: number, meaning, advice."""
    if code in (OK, ALTERNATIVE_OK):
        return "ok"
    return _line("exit code", code, EXIT_CODES.get(code))


def describe_action(code: int) -> str:
    """One line for people about the result code of an action phase."""
    return "ok" if code == OK else _line("action code", code, ACTION_CODES.get(code))


def _line(kind: str, code: int, entry: ExitCode | None) -> str:
    if entry is None:
        return f"{kind} {code}"
    return f"{kind} {code}: {entry.meaning}; {entry.advice}"
