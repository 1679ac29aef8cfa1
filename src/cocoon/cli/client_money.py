"""Control of a client's money over its HTTP port (``wire-protocol.md`` §5.2), guarded like the API.

The official paths with the official argument ``proxy``, the address of a proxy's contract. They
answer JSON; ``amount`` (nanoTON), ``force`` and the path ``reopen`` are ours. ``GET`` of the same
path says what would happen, ``POST`` does it.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from cocoon.chain.address import Address
from cocoon.client.chain.contract import Receipt
from cocoon.client.chain.money import ClientMoney
from cocoon.client.chain.outlook import Outlook
from cocoon.client.chain.plan import Action, Blocked, Done, Operation, Step, Wait
from cocoon.client.chain.report import ContractReport
from cocoon.errors import (
    BadRequestError,
    ChainError,
    DecodeError,
    InsufficientFundsError,
    PaymentError,
    UpstreamError,
    WalletFundsError,
)
from cocoon.gateway import ExtraReply, ExtraRequest, ExtraRoute

MAX_DIGITS = 19

Order = Callable[[Address, ExtraRequest], Awaitable[tuple[list[Receipt], Step]]]


class MoneyRoutes:
    """The control paths of one client.

    Args:
        money: the client's.
    """

    def __init__(self, money: ClientMoney) -> None:
        self._money = money

    def routes(self) -> dict[str, ExtraRoute]:
        """Paths and who answers them."""
        orders: dict[str, tuple[Order, Operation]] = {
            "/request/charge": (self._charge, Operation.CHARGE),
            "/request/topup": (self._top_up, Operation.TOP_UP),
            "/request/withdraw": (self._withdraw, Operation.WITHDRAW),
            "/request/close": (self._close, Operation.REQUEST_REFUND),
            "/request/reopen": (self._reopen, Operation.REOPEN),
        }
        return {
            path: ExtraRoute(self._endpoint(order, operation), ("GET", "POST"))
            for path, (order, operation) in orders.items()
        }

    def _endpoint(
        self, order: Order, operation: Operation
    ) -> Callable[[ExtraRequest], Awaitable[ExtraReply]]:
        async def answer(request: ExtraRequest) -> ExtraReply:
            try:
                return await self._answer(request, order, operation)
            except (PaymentError, WalletFundsError) as error:
                raise InsufficientFundsError(str(error)) from None
            except ChainError as error:
                raise UpstreamError(str(error)) from None

        return answer

    async def _answer(
        self, request: ExtraRequest, order: Order, operation: Operation
    ) -> ExtraReply:
        contract = self._contract(request)
        if request.method != "POST":
            amount = _amount(request) if request.query.get("amount") else 0
            outlook = await self._money.outlook(contract, operation, amount)
            return ExtraReply(msgspec.json.encode(outlook_object(outlook)))
        receipts, step = await order(contract, request)
        return ExtraReply(msgspec.json.encode(outcome_object(receipts, step)))

    def _contract(self, request: ExtraRequest) -> Address:
        try:
            return self._money.find(Address.parse(request.query.get("proxy", "")))
        except DecodeError as error:
            raise BadRequestError(f"proxy: {error}") from None
        except PaymentError as error:
            raise BadRequestError(str(error)) from None

    async def _charge(
        self, contract: Address, _request: ExtraRequest
    ) -> tuple[list[Receipt], Step]:
        return await self._money.charge(contract)

    async def _top_up(self, contract: Address, request: ExtraRequest) -> tuple[list[Receipt], Step]:
        return await self._money.top_up(contract, _amount(request))

    async def _withdraw(
        self, contract: Address, _request: ExtraRequest
    ) -> tuple[list[Receipt], Step]:
        return await self._money.withdraw(contract)

    async def _close(self, contract: Address, request: ExtraRequest) -> tuple[list[Receipt], Step]:
        force = request.query.get("force", "") in ("1", "true")
        return await self._money.close_contract(contract, force=force)

    async def _reopen(self, contract: Address, request: ExtraRequest) -> tuple[list[Receipt], Step]:
        return await self._money.reopen(contract, _amount(request))


def _amount(request: ExtraRequest) -> int:
    text = request.query.get("amount", "")
    if not (text.isascii() and text.isdigit()) or len(text) > MAX_DIGITS or not int(text):
        raise BadRequestError("amount: give nanoTON, a whole number above 0")
    return int(text)


def outlook_object(outlook: Outlook) -> dict[str, Any]:
    """What an order would do, for JSON; nanoTON."""
    return {
        "steps": list(outlook.steps),
        "fees": outlook.fees,
        "attached": outlook.attached,
        "returns_now": outlook.now,
        "returns_later": outlook.later,
        "latest": outlook.latest,
        "warning": outlook.warning,
    }


def outcome_object(receipts: list[Receipt], step: Step) -> dict[str, Any]:
    """What was done and what remains, for JSON; nanoTON."""
    return {
        "done": [
            {
                "step": receipt.operation.value,
                "amount": receipt.amount,
                "transaction": receipt.transaction,
                "fees": receipt.fees,
            }
            for receipt in receipts
        ],
        "finished": isinstance(step, Done),
        "next": step_text(step),
        "until": step.until if isinstance(step, Wait) else None,
        "blocked": isinstance(step, Blocked),
    }


def step_text(step: Step) -> str:
    """What comes next, for people."""
    return step.operation.value if isinstance(step, Action) else step.reason


def contract_object(one: ContractReport) -> dict[str, Any]:
    """A contract for ``/jsonstats``: official names first (``wire-protocol.md`` §5.2)."""
    return {
        "state": one.phase,
        "tokens_charged": one.charged,
        "tokens_payed": one.paid,
        "balance": one.balance,
        "stake": one.stake,
        "unspent": one.unspent,
        "debt": one.debt,
        "unsettled": one.unsettled,
        "in_flight": one.in_flight,
        "unlock_time": one.unlock_time,
        "closing": one.closing,
        "closing_reason": one.reason,
        "next": one.step,
        "last_transaction": one.last_transaction,
        "params_version": one.params_version,
        "finished": one.finished,
    }
