"""Whatever the network does: nothing is executed twice or lost silently, and the queue ends."""

import asyncio
from typing import Any

import hypothesis.strategies as st
from hypothesis import event, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cocoon.chain import Address, SecretKey
from cocoon.chain.cells import Builder
from cocoon.chain.delivery import Delivery, DeliveryStatus
from cocoon.chain.message import OutMessage
from cocoon.chain.sender import SenderTiming, WalletSender
from cocoon.chain.wallets.v4r2 import WalletV4R2
from cocoon.errors import ChainError, MessageRejectedError, WalletFundsError
from cocoon.testing.scripted_chain import Faults, Receiver, ScriptedChain
from cocoon.testing.streams import VirtualClockLoop

TON = 10**9
WALLET = WalletV4R2(SecretKey(bytes([7]) * 32))
DESTS = [Address(bytes([byte]) * 32) for byte in (1, 2, 3)]
RECEIVERS = {
    DESTS[1]: Receiver(forward=DESTS[2]),
    DESTS[2]: Receiver(exit_code=1001),
}
EXECUTED = {DeliveryStatus.DELIVERED, DeliveryStatus.FAILED, DeliveryStatus.BOUNCED}
seldom = st.sampled_from([False, False, False, False, True])
LONG = 20 * 24 * 3600.0
"""More than all limits of all batches together."""


class SenderMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualClockLoop()
        self.chain = ScriptedChain(WALLET, balance=100 * TON)
        self.chain.receivers = RECEIVERS
        self.sender = WalletSender(
            self.chain, WALLET, timing=SenderTiming(poll=3), clock=self.loop.time
        )
        self.tasks: list[tuple[list[int], asyncio.Task[list[Delivery]], bool]] = []
        self.count = 0
        self.rejected = False

    def run(self, seconds: float) -> None:
        self.loop.run_until_complete(asyncio.sleep(seconds))

    @rule(
        parts=st.lists(st.tuples(st.sampled_from(DESTS), st.integers(0, 9)), max_size=6),
        follow=st.integers(0, 3),
        bounce=st.booleans(),
    )
    def send(self, parts: list[tuple[Address, int]], follow: int, bounce: bool) -> None:
        numbers, messages = [], []
        for dest, value in parts:
            self.count += 1
            numbers.append(self.count)
            body = Builder().uint(self.count, 32).cell()
            messages.append(OutMessage(dest, value * TON, body, bounce=bounce))
        task = self.loop.create_task(self.sender.send(*messages, follow=follow))
        self.tasks.append((numbers, task, False))

    @precondition(lambda self: self.tasks)
    @rule(data=st.data())
    def stop_waiting(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, len(self.tasks) - 1))
        numbers, task, _ = self.tasks[index]
        if task.cancel():
            self.tasks[index] = (numbers, task, True)

    @rule(seconds=st.sampled_from([0.0, 1.0, 5.0, 20.0, 60.0, 120.0]))
    def wait(self, seconds: float) -> None:
        self.run(seconds)

    @rule(seconds=st.integers(1, 400))
    def time_jumps(self, seconds: int) -> None:
        self.within(lambda: setattr(self.chain, "jumped", self.chain.jumped + seconds))

    @rule()
    def somebody_else_sends(self) -> None:
        self.within(self.chain.foreign_send)

    @rule(value=st.integers(-20, 60))
    def balance_changes(self, value: int) -> None:
        change = max(value * TON, -self.chain.balance)
        self.within(lambda: self.chain.deposit(change))

    @rule(
        faults=st.builds(
            Faults,
            lose_messages=seldom,
            message_delay=st.sampled_from([0.0, 2.0, 30.0, 89.0, 95.0]),
            lose_answers=seldom,
            unreachable=seldom,
            stalled=seldom,
            state_lag=st.sampled_from([0, 0, 1, 3]),
            fresh_time=seldom,
            list_lag=st.sampled_from([0, 0, 1, 3]),
            hop_delay=st.sampled_from([0.0, 5.0, 200.0]),
            reject=st.sampled_from([None] * 6 + [33, 35, 36]),
            abort_with=st.sampled_from([None] * 6 + [37]),
        )
    )
    def weather_changes(self, faults: Faults) -> None:
        self.within(lambda: setattr(self.chain, "faults", faults))

    @rule(name=st.sampled_from(["lose_messages", "unreachable", "stalled", "lose_answers"]))
    def weather_clears(self, name: str) -> None:
        self.within(lambda: setattr(self.chain.faults, name, False))

    def within(self, action: Any) -> None:
        """Do something at the loop's time."""

        async def run() -> None:
            action()

        self.loop.run_until_complete(run())

    @invariant()
    def nothing_is_executed_twice(self) -> None:
        executed = [item.body.data for item in self.chain.executed]
        assert len(executed) == len(set(executed))

    def teardown(self) -> None:
        try:
            self.finish()
        finally:
            self.loop.run_until_complete(self.sender.close())
            self.loop.close()

    def finish(self) -> None:
        pending = [task for _, task, _ in self.tasks if not task.done()]
        if pending:  # even if the weather stays as it is
            self.loop.run_until_complete(asyncio.wait(pending, timeout=LONG))
        assert all(task.done() for _, task, _ in self.tasks)
        self.within(lambda: setattr(self.chain, "faults", Faults()))
        self.run(600)  # whatever is still on its way arrives or expires
        self.nothing_is_executed_twice()
        executed = {item.body.data for item in self.chain.executed}
        for numbers, task, _ in self.tasks:
            if not task.cancelled():
                check(numbers, task, executed)
        # And the queue works again.
        self.within(lambda: self.chain.deposit(1000 * TON))
        body = Builder().uint(2**32 - 1, 32).cell()
        sending = self.sender.send(OutMessage(DESTS[0], TON, body))
        (delivery,) = self.loop.run_until_complete(asyncio.wait_for(sending, LONG))
        assert delivery.ok


def check(numbers: list[int], task: "asyncio.Task[list[Delivery]]", executed: set[int]) -> None:
    """What was told is what happened."""
    error = task.exception()
    event(type(error).__name__)
    if error is not None:
        assert isinstance(error, ChainError)
        if isinstance(error, WalletFundsError | MessageRejectedError):
            assert not executed & set(numbers)
        return
    deliveries = task.result()
    assert len(deliveries) == len(numbers)
    for number, delivery in zip(numbers, deliveries, strict=True):
        event(f"{delivery.status.value} {delivery.reason[:20]}")
        assert delivery.message.body.data == number
        if delivery.status in EXECUTED:
            assert number in executed
        elif delivery.status is DeliveryStatus.NOT_SENT:
            assert number not in executed


TestSender = SenderMachine.TestCase
TestSender.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
