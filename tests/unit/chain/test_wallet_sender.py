"""The wallet's queue against a chain that does what each test says."""

import asyncio
from typing import Any

import pytest

from cocoon.chain import Address, SecretKey
from cocoon.chain.cells import Builder
from cocoon.chain.delivery import Delivery, DeliveryStatus
from cocoon.chain.message import OutMessage
from cocoon.chain.sender import FEE_ALLOWANCE, WHOLE_TRACE, SenderTiming, WalletSender
from cocoon.chain.wallets.v4r2 import WalletV4R2
from cocoon.errors import ChainError, DecodeError, MessageRejectedError, WalletFundsError
from cocoon.testing.scripted_chain import Receiver, ScriptedChain
from cocoon.testing.streams import VirtualClockLoop

pytestmark = pytest.mark.anyio
TON = 10**9
DEST, NEXT = Address(bytes([1]) * 32), Address(bytes([2]) * 32)
TIMING = SenderTiming()


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"loop_factory": VirtualClockLoop}


@pytest.fixture
def chain() -> ScriptedChain:
    return ScriptedChain(WalletV4R2(SecretKey(bytes([7]) * 32)))


@pytest.fixture
def sender(chain: ScriptedChain) -> WalletSender:
    return WalletSender(
        chain, chain.wallet, timing=TIMING, clock=lambda: asyncio.get_running_loop().time()
    )


def message(number: int, value: int = TON, dest: Address = DEST, **options: Any) -> OutMessage:
    return OutMessage(dest, value, Builder().uint(number, 32).cell(), **options)


def statuses(deliveries: list[Delivery]) -> list[str]:
    return [delivery.status.value for delivery in deliveries]


async def test_messages_are_delivered_and_share_a_transaction(
    chain: ScriptedChain, sender: WalletSender
) -> None:
    first, second = await sender.send(message(1), message(2, dest=NEXT))
    assert statuses([first, second]) == ["delivered"] * 2
    assert first.ok
    assert first.wallet_hash == second.wallet_hash is not None
    assert first.transaction is not None
    assert first.transaction.address == DEST
    assert first.exit_code == 0
    assert chain.seqno == 1
    assert await sender.send() == []


async def test_what_waits_meanwhile_goes_in_the_next_batch(
    chain: ScriptedChain, sender: WalletSender
) -> None:
    chain.faults.message_delay = 5
    results = await asyncio.gather(*(sender.send(message(number)) for number in range(9)))
    assert all(delivery.ok for group in results for delivery in group)
    assert [item.body.data for item in chain.executed] == list(range(9))
    assert chain.seqno == 3  # four, four, one


async def test_more_messages_than_fit_are_divided(
    chain: ScriptedChain, sender: WalletSender
) -> None:
    deliveries = await sender.send(*(message(number) for number in range(6)))
    assert [delivery.message.body.data for delivery in deliveries] == list(range(6))
    assert all(delivery.ok for delivery in deliveries)
    assert chain.seqno == 2


@pytest.mark.parametrize(
    ("receiver", "bounce", "status", "text"),
    [
        (Receiver(exit_code=1001), True, "bounced", "exit code 1001: not enough money"),
        (Receiver(exit_code=1010), False, "failed", "exit code 1010: sender is not the owner"),
        (Receiver(skipped="no gas"), True, "bounced", "contract did not run"),
        (Receiver(skipped="no state"), False, "delivered", "delivered"),
    ],
)
async def test_the_outcome_is_that_of_the_destination(
    chain: ScriptedChain,
    sender: WalletSender,
    receiver: Receiver,
    bounce: bool,
    status: str,
    text: str,
) -> None:
    chain.receivers[DEST] = receiver
    (delivery,) = await sender.send(message(1, bounce=bounce))
    assert delivery.status.value == status
    assert text in delivery.describe()
    assert delivery.ok == (status == "delivered")
    assert delivery.exit_code == (None if receiver.skipped else receiver.exit_code)


async def test_following_finds_a_failure_further_on(
    chain: ScriptedChain, sender: WalletSender
) -> None:
    chain.receivers[DEST] = Receiver(forward=NEXT)
    chain.receivers[NEXT] = Receiver(exit_code=1006)
    chain.faults.hop_delay = 7
    (near,) = await sender.send(message(1))
    assert near.ok
    assert len(near.trace) == 1
    (far,) = await sender.send(message(2), follow=WHOLE_TRACE)
    assert [step.address for step in far.trace] == [DEST, NEXT]
    assert far.status is DeliveryStatus.DELIVERED
    assert not far.ok
    assert "1006" in far.describe()


async def test_an_endless_trace_is_cut_off(chain: ScriptedChain, sender: WalletSender) -> None:
    chain.receivers[DEST] = Receiver(forward=DEST)
    chain.faults.hop_delay = 0.5
    (delivery,) = await sender.send(message(1), follow=10**6)
    assert not delivery.complete
    assert not delivery.ok


async def test_a_destination_that_is_not_reached_in_time(
    chain: ScriptedChain, sender: WalletSender
) -> None:
    chain.faults.hop_delay = TIMING.track + 60
    (delivery,) = await sender.send(message(1))
    assert delivery.status is DeliveryStatus.UNDECIDED
    assert delivery.wallet_transaction is not None


async def test_a_lost_message_is_sent_again_and_then_signed_again(
    chain: ScriptedChain, sender: WalletSender
) -> None:
    chain.faults.lose_messages = True
    task = asyncio.create_task(sender.send(message(1)))
    await asyncio.sleep(TIMING.validity - 5)
    assert 5 < chain.submitted < 15
    await asyncio.sleep(60)
    chain.faults.lose_messages = False
    (delivery,) = await task
    assert delivery.ok
    assert len(chain.executed) == 1


async def test_a_message_that_never_gets_in_is_given_up_for_certain(
    chain: ScriptedChain, sender: WalletSender
) -> None:
    chain.faults.lose_messages = True
    (delivery,) = await sender.send(message(1))
    assert delivery.status is DeliveryStatus.NOT_SENT
    assert "blocked" in delivery.reason


async def test_a_message_that_counted_as_expired_and_was_taken_is_found(
    chain: ScriptedChain, sender: WalletSender
) -> None:
    chain.faults.state_lag = 1
    chain.faults.fresh_time = True  # the server says that it is late, and not taken
    task = asyncio.create_task(sender.send(message(1)))
    await asyncio.sleep(TIMING.validity * 1.5)
    assert chain.seqno == 1
    chain.faults.state_lag = 0
    (delivery,) = await task
    assert delivery.ok
    assert len(chain.executed) == 1


async def test_a_server_that_forgets_the_last_message_is_waited_for(
    chain: ScriptedChain, sender: WalletSender
) -> None:
    assert (await sender.send(message(1)))[0].ok
    chain.faults.state_lag = 1
    task = asyncio.create_task(sender.send(message(2)))
    await asyncio.sleep(30)
    assert chain.submitted == 1
    chain.faults.state_lag = 0
    assert (await task)[0].ok
    assert chain.submitted == 2


async def test_a_message_on_its_way_is_waited_for_whatever_is_refused_later(
    chain: ScriptedChain, sender: WalletSender
) -> None:
    chain.faults.message_delay = 80
    task = asyncio.create_task(sender.send(message(1)))
    await asyncio.sleep(1)
    chain.faults.reject = 1031
    assert (await task)[0].ok


async def test_of_two_equal_messages_one_may_be_sent(
    chain: ScriptedChain, sender: WalletSender
) -> None:
    chain.faults.message_delay = 1
    chain.deposit(-chain.balance + 3 * TON)
    task = asyncio.create_task(sender.send(message(1), message(1)))
    await asyncio.sleep(0.5)
    chain.deposit(-3 * TON // 2)
    assert statuses(await task) == ["delivered", "not-sent"]


async def test_lost_answers_and_an_unreachable_server_send_nothing_twice(
    chain: ScriptedChain, sender: WalletSender
) -> None:
    chain.faults.lose_answers = True
    task = asyncio.create_task(sender.send(message(1)))
    await asyncio.sleep(1)
    chain.faults.unreachable = True
    await asyncio.sleep(300)
    chain.faults.unreachable = False
    (delivery,) = await task
    assert delivery.ok
    assert len(chain.executed) == 1


async def test_another_user_of_the_wallet_is_survived(
    chain: ScriptedChain, sender: WalletSender
) -> None:
    chain.faults.message_delay = 3
    task = asyncio.create_task(sender.send(message(1), message(2)))
    for _ in range(3):
        await asyncio.sleep(2)
        chain.foreign_send()
    deliveries = await task
    assert all(delivery.ok for delivery in deliveries)
    assert len(chain.executed) == 2


async def test_a_race_lost_for_ever_ends(chain: ScriptedChain, sender: WalletSender) -> None:
    chain.faults.message_delay = 3

    async def hog() -> None:
        while True:
            await asyncio.sleep(2)
            chain.foreign_send()

    task = asyncio.create_task(hog())
    (delivery,) = await sender.send(message(1))
    task.cancel()
    assert delivery.status is DeliveryStatus.NOT_SENT
    assert "somebody else" in delivery.reason


async def test_lists_that_lag_behind_the_state_are_waited_for(
    chain: ScriptedChain, sender: WalletSender
) -> None:
    chain.faults.list_lag = 1
    task = asyncio.create_task(sender.send(message(1)))
    await asyncio.sleep(60)
    assert not task.done()
    assert chain.seqno == 1  # it was executed, and nothing is signed for the next number
    chain.faults.list_lag = 0
    (delivery,) = await task
    assert delivery.ok


async def test_too_little_money_is_told_before_anything_is_signed(
    chain: ScriptedChain, sender: WalletSender
) -> None:
    chain.deposit(-chain.balance + TON)
    with pytest.raises(WalletFundsError) as caught:
        await sender.send(message(1, value=3 * TON))
    assert caught.value.missing == 2 * TON + FEE_ALLOWANCE
    assert caught.value.wallet == chain.wallet.address.friendly(testnet=True)
    assert "send 2.02 TON to" in str(caught.value)
    assert chain.submitted == 0
    with pytest.raises(WalletFundsError):  # all or nothing, even where one part would do
        await sender.send(*(message(number, value=TON // 5) for number in range(6)))
    assert chain.submitted == 0
    assert (await sender.send(message(1, value=TON // 2)))[0].ok


async def test_poor_messages_do_not_hold_up_others(
    chain: ScriptedChain, sender: WalletSender
) -> None:
    chain.deposit(-chain.balance + TON)
    poor = asyncio.create_task(sender.send(message(1, value=5 * TON)))
    rich = asyncio.create_task(sender.send(message(2, value=TON // 10)))
    assert (await rich)[0].ok
    with pytest.raises(WalletFundsError):
        await poor


async def test_a_message_that_the_wallet_cannot_pay_is_not_sent_but_the_others_are(
    chain: ScriptedChain, sender: WalletSender
) -> None:
    chain.faults.message_delay = 1
    chain.deposit(-chain.balance + 3 * TON)
    task = asyncio.create_task(sender.send(message(1), message(2)))
    await asyncio.sleep(0.5)
    chain.deposit(-3 * TON // 2)
    first, second = await task
    assert statuses([first, second]) == ["delivered", "not-sent"]
    assert second.wallet_transaction is not None


async def test_a_message_with_all_money_goes_alone(
    chain: ScriptedChain, sender: WalletSender
) -> None:
    chain.faults.message_delay = 5
    results = await asyncio.gather(
        sender.send(message(0)),
        sender.send(message(1)),
        sender.send(message(2, value=0, mode=128)),
        sender.send(message(3)),
    )
    assert all(group[0].ok for group in results)
    assert chain.seqno == 3 + (results[0][0].wallet_hash != results[1][0].wallet_hash)


async def test_a_refusal_is_an_error(chain: ScriptedChain, sender: WalletSender) -> None:
    chain.faults.reject = 1031
    with pytest.raises(MessageRejectedError):
        await sender.send(message(1))
    chain.faults.reject = None
    assert (await sender.send(message(2)))[0].ok
    assert len(chain.executed) == 1


async def test_a_refused_sequence_number_is_waited_out(
    chain: ScriptedChain, sender: WalletSender
) -> None:
    chain.faults.reject = 33
    task = asyncio.create_task(sender.send(message(1)))
    await asyncio.sleep(60)
    chain.faults.reject = None
    assert (await task)[0].ok


async def test_a_wallet_that_fails_is_not_fed_again(
    chain: ScriptedChain, sender: WalletSender
) -> None:
    chain.faults.abort_with = 37
    (delivery,) = await sender.send(message(1))
    assert delivery.status is DeliveryStatus.NOT_SENT
    assert "action code 37" in delivery.reason
    assert chain.submitted == 1


async def test_a_chain_that_stalls_ends_in_an_error_that_says_so(
    chain: ScriptedChain, sender: WalletSender
) -> None:
    chain.faults.stalled = True
    with pytest.raises(ChainError, match="may still be executed until 18000000"):
        await sender.send(message(1))
    chain.faults.stalled = False
    assert (await sender.send(message(2)))[0].ok
    assert len(chain.executed) == 2  # the first one was still good


async def test_a_chain_that_is_down_fails_all_who_wait(
    chain: ScriptedChain, sender: WalletSender
) -> None:
    chain.faults.unreachable = True
    results = await asyncio.gather(
        *(sender.send(message(number)) for number in range(5)), return_exceptions=True
    )
    assert [type(result) for result in results] == [ChainError] * 5
    assert asyncio.get_running_loop().time() < TIMING.give_up * 1.5
    chain.faults.unreachable = False
    assert (await sender.send(message(6)))[0].ok


async def test_who_stops_waiting_takes_back_what_is_not_signed(
    chain: ScriptedChain, sender: WalletSender
) -> None:
    chain.faults.message_delay = 5
    first = asyncio.create_task(sender.send(message(1)))
    await asyncio.sleep(1)
    second = asyncio.create_task(sender.send(message(2)))
    await asyncio.sleep(1)
    second.cancel()
    assert (await first)[0].ok
    assert (await sender.send(message(3)))[0].ok
    assert [item.body.data for item in chain.executed] == [1, 3]


async def test_a_signed_message_whose_sender_left_is_not_signed_again(
    chain: ScriptedChain, sender: WalletSender
) -> None:
    chain.faults.lose_messages = True
    task = asyncio.create_task(sender.send(message(1)))
    await asyncio.sleep(5)
    task.cancel()
    await asyncio.sleep(TIMING.validity * 2)
    chain.faults.lose_messages = False
    assert (await sender.send(message(2)))[0].ok
    assert [item.body.data for item in chain.executed] == [2]


async def test_closing_ends_everything(chain: ScriptedChain, sender: WalletSender) -> None:
    chain.faults.message_delay = 50
    tasks = [asyncio.create_task(sender.send(message(number))) for number in range(6)]
    await asyncio.sleep(1)
    await sender.close()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [ChainError] * 6
    with pytest.raises(ChainError):
        await sender.send(message(9))


async def test_a_message_that_fits_no_cell_is_its_senders_problem(
    chain: ScriptedChain, sender: WalletSender
) -> None:
    with pytest.raises(DecodeError):
        await sender.send(message(1, value=-1))
    assert (await sender.send(message(2)))[0].ok
