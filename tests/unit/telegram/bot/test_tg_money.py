from dataclasses import replace
from pathlib import Path

import pytest

from cocoon.accounting import Nano
from cocoon.devnet.telegram.paying import PaymentRefusedError
from cocoon.devnet.telegram.views import ChatView, Shown
from cocoon.errors import InsufficientFundsError
from cocoon.telegram.accounts.values import Kind
from cocoon.telegram.settings import TelegramSettings
from cocoon.testing.bot_rig import BotRig, bot_rig, until

pytestmark = pytest.mark.anyio


async def said(chat: ChatView, count: int) -> Shown:
    await until(lambda: len(chat.answers) >= count)
    return chat.answers[count - 1]


async def balance(rig: BotRig, user: int) -> int:
    return int((await rig.deps.accounts.account(user)).balance)


async def test_stars_are_bought_credited_once_and_given_back(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        person = rig.telegram.person("Alice", stars=400)
        await person.send("/topup")
        page = await said(person.chat, 1)
        assert "50 Stars = 0.5 TON" in page.buttons[0].text
        await person.press(page, "50 Stars")
        invoice = await said(person.chat, 2)
        paid = await person.pay(invoice)
        assert "0.5 TON is on your balance" in (await said(person.chat, 3)).text
        assert await balance(rig, person.id) == 500_000_000
        with pytest.raises(PaymentRefusedError, match="paid already"):
            await person.pay(invoice)

        told = next(m.raw for m in person.chat.messages if "successful_payment" in m.raw)
        again = {"update_id": 10**9, "message": told}
        await rig.feed(again)
        assert await balance(rig, person.id) == 500_000_000

        await person.send("/paysupport")
        support = await person.chat.answer()
        await person.press(support, "50 Stars")
        await until(lambda: "Give 50 Stars back?" in support.text)
        await person.press(support, "Yes")
        await until(lambda: "were given back" in support.text)
        assert await balance(rig, person.id) == 0
        assert person.account.stars == 400
        assert paid is not None


async def test_spent_stars_are_not_given_back(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        person = rig.telegram.person("Alice", stars=50)
        topup = await rig.deps.accounts.new_topup(person.id, "stars", Nano(500_000_000), 50)
        await rig.deps.accounts.stars_paid(person.id, topup.id, "charge", 50, Nano(500_000_000))
        await rig.deps.accounts.debit(person.id, Kind.CORRECTION, "spent", Nano(1))
        await person.send("/paysupport")
        support = await said(person.chat, 1)
        await person.press(support, "50 Stars")
        await until(lambda: "Give 50 Stars back?" in support.text)
        await person.press(support, "Yes")
        await until(lambda: "you have spent some of it" in support.text)
        assert await balance(rig, person.id) == 499_999_999


async def test_what_telegram_gave_back_leaves_the_balance(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        person = rig.telegram.person("Alice", stars=50)
        await person.send("/topup")
        await person.press(await said(person.chat, 1), "50 Stars")
        paid = await person.pay(await said(person.chat, 2))
        await said(person.chat, 3)
        await person.get_refund(paid)
        await until(lambda: "were given back" in person.chat.answers[-1].text)
        assert await balance(rig, person.id) == 0


async def test_money_of_the_blocked_is_heard_of_and_other_currencies_are_not(
    tmp_path: Path,
) -> None:
    async with bot_rig(tmp_path) as rig:
        person = rig.telegram.person("Alice", stars=400)
        await person.send("/topup")
        await person.press(await said(person.chat, 1), "50 Stars")
        await person.pay(await said(person.chat, 2))
        await said(person.chat, 3)
        told = next(m.raw for m in person.chat.messages if "successful_payment" in m.raw)
        await rig.deps.accounts.block(person.id, True)
        for number, currency in enumerate(("XTR", "USD")):
            charge = {"telegram_payment_charge_id": f"other{number}", "currency": currency}
            paid = {**told, "successful_payment": {**told["successful_payment"], **charge}}
            await rig.feed({"update_id": 10**9 + number, "message": paid})
        assert await balance(rig, person.id) == 2 * 500_000_000
        back = {"refunded_payment": {**told["successful_payment"], "currency": "XTR"}}
        gone = {name: value for name, value in told.items() if name != "successful_payment"}
        await rig.feed({"update_id": 10**9 + 2, "message": gone | back})
        assert await balance(rig, person.id) == 500_000_000


async def test_only_packs_that_are_offered_are_sold(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        person = rig.telegram.person("Alice")
        await person.send("/topup")
        page = await said(person.chat, 1)
        sender = {"id": person.id, "is_bot": False, "first_name": "A"}
        query = {"id": "1", "from": sender, "message": page.raw, "chat_instance": "1"}
        await rig.feed({"update_id": 10**9, "callback_query": {**query, "data": "pay:stars:51"}})
        assert not await rig.deps.accounts.topups(person.id)
        await rig.feed({"update_id": 10**9, "callback_query": {**query, "data": "pay:stars:50"}})
        assert [each.stars for each in await rig.deps.accounts.topups(person.id)] == [50]


async def test_somebody_elses_invoice_is_refused(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        alice = rig.telegram.person("Alice", stars=50)
        bob = rig.telegram.person("Bob", stars=50)
        await alice.send("/topup")
        await alice.press(await said(alice.chat, 1), "50 Stars")
        invoice = await said(alice.chat, 2)
        with pytest.raises(PaymentRefusedError, match="somebody else"):
            await bob.pay(invoice)


async def test_no_money_leads_to_the_top_up(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        person = rig.telegram.person("Alice")
        rig.assistant.fail(InsufficientFundsError("short"))
        await person.send("Hello")
        told = await said(person.chat, 1)
        assert "not enough money" in told.text
        assert "Your balance is 0 TON" in told.text
        assert "0.05 TON for free again at midnight" in told.text
        await person.press(told, "Top up")
        await until(lambda: "Your balance is 0 TON. It does not expire" in told.text)


async def test_whoever_can_pay_few_more_answers_is_told(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        person = rig.telegram.person("Alice")
        rig.assistant.say("Dear.", cost=20_000_000)
        await person.send("Hello")
        told = await said(person.chat, 1)
        assert "You have 0.05 TON left: enough for a few more" in told.text
        assert told.button("pay:topup")


async def test_whoever_cannot_pay_another_one_is_told(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        person = rig.telegram.person("Alice")
        rig.assistant.say("Dear.", cost=60_000_000)
        await person.send("Hello")
        told = await said(person.chat, 1)
        assert "You have 0.05 TON left: less than another answer" in told.text


async def test_balance_usage_and_export(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        person = rig.telegram.person("Alice")
        accounts = rig.deps.accounts
        await person.send("/export")
        assert "nothing to export" in (await said(person.chat, 1)).text
        await accounts.credit(person.id, Kind.GIFT, "gift:1", Nano(2_000_000_000))
        await accounts.hold(person.id, "chat:1:1", Nano(60_000_000))
        await accounts.settle("chat:1:1", Nano(55_000_000), {})
        await person.send("/balance")
        page = await said(person.chat, 2)
        assert "You have 1.995 TON" in page.text
        assert "Free today: 0 TON of 0.05 TON" in page.text
        await person.press(page, "Usage")
        await until(lambda: "0.055 TON (of that free: 0.05 TON), answers: 1" in page.text)
        await person.press(page, "Export")
        file = await said(person.chat, 3)
        assert "2 lines" in file.text
        assert file.raw["document"]["file_name"] == "cocoon-ledger.csv"


async def test_where_nothing_is_sold(tmp_path: Path) -> None:
    def free(settings: TelegramSettings) -> TelegramSettings:
        return replace(settings, money=replace(settings.money, nano_per_star=0))

    async with bot_rig(tmp_path, free) as rig:
        person = rig.telegram.person("Alice")
        await person.start("topup")
        assert "Nothing can be bought here" in (await said(person.chat, 1)).text
        rig.assistant.fail(InsufficientFundsError("short"))
        await person.send("Hello")
        assert not (await said(person.chat, 2)).buttons


async def test_people_write_to_the_operator(tmp_path: Path) -> None:
    admin = 9_000_000_777

    def run_by(settings: TelegramSettings) -> TelegramSettings:
        return replace(settings, bot=replace(settings.bot, admins=frozenset({admin})))

    async with bot_rig(tmp_path, run_by) as rig:
        operator = rig.telegram.person("Olga", id=admin)
        await operator.start()
        await said(operator.chat, 1)
        person = rig.telegram.person("Alice")
        await person.send("/paysupport My *Stars* are lost")
        assert "is with the person" in (await said(person.chat, 1)).text
        request = await said(operator.chat, 2)
        assert f"from user {person.id}" in request.text
        assert "My *Stars* are lost" in request.text


async def test_money_is_not_spoken_about_in_groups(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        person = rig.telegram.person("Alice")
        group = rig.telegram.group("Friends", people=[person])
        for command in ("balance", "topup", "usage", "export", "paysupport", "forget"):
            await person.send(f"/{command}@{rig.deps.me.username}", chat=group)
        await said(group, 6)
        assert {each.text for each in group.answers} == {"Let us talk about money in private."}
        assert group.answers[0].buttons[0].raw["url"].endswith("?start=topup")
