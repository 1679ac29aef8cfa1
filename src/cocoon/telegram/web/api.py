"""The Mini App's API but for ``POST chat``: who somebody is, their money, what is served."""

from typing import TYPE_CHECKING

from cocoon.accounting import Nano
from cocoon.telegram.auth.login import Login
from cocoon.telegram.payments.stars import MAX_STARS, worth
from cocoon.telegram.web.calls import Call, Front
from cocoon.telegram.web.deps import TopupDesk, WebDeps
from cocoon.telegram.web.failures import ApiError, invalid, not_found
from cocoon.telegram.web.reading import SMALL_BODY, app_limits, decode, query, reference
from cocoon.telegram.web.shapes import (
    MeAnswer,
    ModelsAnswer,
    Person,
    SessionAnswer,
    SessionRequest,
    TonTransfer,
    TopupAnswer,
    TopupRequest,
    TopupsAnswer,
    UsageAnswer,
)
from cocoon.telegram.web.shown import (
    DAY,
    facts_answer,
    model_answer,
    topup_answer,
    trust_answer,
    usage_days,
)

if TYPE_CHECKING:
    from cocoon.telegram.accounts import Topup

MAX_DAYS = 366
MAX_TOPUP_ID = 32


class Api:
    """Answers for users.

    Args:
        deps: of the server.
        front: lets users in.
    """

    def __init__(self, deps: WebDeps, front: Front) -> None:
        self._deps = deps
        self._front = front
        self._login: Login = front.login

    # --- who ---

    async def session(self, call: Call) -> None:
        """``POST session``."""
        asked = decode(await call.body(SMALL_BODY), SessionRequest)
        came = await self._login.login(asked.init_data, asked.nonce, admit=self._front.rates.take)
        said = came.init_data
        await self._deps.accounts.account(said.user, said.language)
        person = Person(id=said.user, first_name=said.first_name, language=said.language)
        await call.answer(
            SessionAnswer(
                token=came.token,
                expires=came.session.expires,
                user=person,
                start_param=said.start_param,
            )
        )

    async def me(self, call: Call) -> None:
        """``GET me``."""
        account = await self._deps.accounts.account(self._front.session(call).user)
        settings, desk = self._deps.settings, self._deps.topups
        money, assistant = settings.money, settings.assistant
        notes = [
            *(["blocked"] if account.blocked else []),
            *(["stand_in"] if settings.is_stand_in else []),
        ]
        await call.answer(
            MeAnswer(
                balance_nano=int(account.balance),
                free_left_nano=int(account.free_left),
                free_daily_nano=int(account.free_daily),
                held_nano=int(account.held),
                price_class=assistant.price_class,
                price_classes=tuple(assistant.price_classes),
                default_model=assistant.model,
                language=account.language,
                languages=self._deps.languages,
                ton=desk is not None and desk.ton,
                stars=desk is not None and desk.stars,
                nano_per_star=money.nano_per_star,
                star_packs=money.star_packs,
                min_topup_nano=int(money.min_topup),
                max_topup_nano=int(money.max_topup),
                limits=app_limits(settings),
                notes=tuple(notes),
            )
        )

    async def forget(self, call: Call) -> None:
        """``DELETE me/data``."""
        await self._deps.forget(self._front.session(call).user)
        await call.answer({})

    # --- what ---

    async def models(self, call: Call) -> None:
        """``GET models``: chat models, the default first."""
        self._front.session(call)
        chat = [one for one in await self._deps.assistant.models() if "chat" in one.endpoints]
        settings = self._deps.settings
        shown = [model_answer(one, settings, default=not at) for at, one in enumerate(chat)]
        await call.answer(ModelsAnswer(models=tuple(shown)))

    async def answer(self, call: Call) -> None:
        """``GET answers/{id}``."""
        user = self._front.session(call).user
        facts = await self._deps.assistant.facts(reference(user, call.members["id"]))
        if facts is None:
            raise not_found()
        await call.answer(facts_answer(facts))

    async def trust(self, call: Call) -> None:
        """``GET trust``."""
        self._front.session(call)
        await call.answer(trust_answer(await self._deps.assistant.verification()))

    # --- money ---

    async def usage(self, call: Call) -> None:
        """``GET usage``."""
        user = self._front.session(call).user
        text = query(call.query).get("days", "30")
        days = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
        if not 1 <= days <= MAX_DAYS:
            raise invalid(f"days is a number from 1 to {MAX_DAYS}")
        found = await self._deps.accounts.usage(user, days)
        today = int(self._deps.clock()) // DAY
        await call.answer(UsageAnswer(days=usage_days(found, today, days)))

    async def topups(self, call: Call) -> None:
        """``GET topups``."""
        user = self._front.session(call).user
        found = await self._deps.accounts.topups(user)
        balance = int((await self._deps.accounts.account(user)).balance)
        shown = tuple(topup_answer(one, balance=balance) for one in found)
        await call.answer(TopupsAnswer(topups=shown))

    async def topup(self, call: Call) -> None:
        """``GET topups/{id}``."""
        user = self._front.session(call).user
        await call.answer(await self._shown(user, await self._own(user, call)))

    async def new_topup(self, call: Call) -> None:
        """``POST topups``."""
        user = self._front.session(call).user
        asked = decode(await call.body(SMALL_BODY), TopupRequest)
        desk = self._desk()
        accounts, money = self._deps.accounts, self._deps.settings.money
        ton = link = None
        if asked.method == "ton":
            if not desk.ton:
                raise invalid("TON is not taken here")
            if asked.stars or not int(money.min_topup) <= asked.nano <= int(money.max_topup):
                raise invalid(f"nano is a number from {money.min_topup} to {money.max_topup}")
            topup = await accounts.new_topup(user, "ton", Nano(asked.nano))
            ton = TonTransfer(**desk.transfer(topup))
        else:
            if not desk.stars:
                raise invalid("Stars are not taken here")
            if asked.nano or not 1 <= asked.stars <= MAX_STARS:
                raise invalid(f"stars is a number from 1 to {MAX_STARS}")
            brings = worth(asked.stars, money.nano_per_star)
            topup = await accounts.new_topup(user, "stars", brings, asked.stars)
            language = (await accounts.account(user)).language
            link = await desk.invoice_link(topup, language)
        shown = topup_answer(topup, balance=0)
        await call.answer(_with(shown, ton, link))

    async def refund(self, call: Call) -> None:
        """``POST topups/{id}/refund``."""
        user = self._front.session(call).user
        topup = await self._own(user, call)
        if not (await self._shown(user, topup)).refundable:
            raise ApiError(
                "not_refundable",
                "only Stars of one top-up that is not spent are given back",
                status=409,
                action=None,
            )
        await self._desk().refund(user, topup.id)
        await call.answer(await self._shown(user, await self._own(user, call)))

    def _desk(self) -> TopupDesk:
        if self._deps.topups is None:
            raise invalid("nothing is sold here")
        return self._deps.topups

    async def _own(self, user: int, call: Call) -> "Topup":
        """The top-up that the path names, if it is the user's."""
        name = call.members["id"]
        found = None
        if len(name) <= MAX_TOPUP_ID and name.isascii() and name.isalnum():
            found = await self._deps.accounts.topup(name)
        if found is None or found.user != user:
            raise not_found()
        return found

    async def _shown(self, user: int, topup: "Topup") -> TopupAnswer:
        balance = int((await self._deps.accounts.account(user)).balance)
        return topup_answer(topup, balance=balance)


def _with(shown: TopupAnswer, ton: TonTransfer | None, link: str | None) -> TopupAnswer:
    return TopupAnswer(
        id=shown.id,
        method=shown.method,
        state=shown.state,
        nano=shown.nano,
        stars=shown.stars,
        created=shown.created,
        refundable=False,
        ton=ton,
        invoice_link=link,
    )
