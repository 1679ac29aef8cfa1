"""What the service knows, as the Mini App is shown it."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cocoon.telegram.assistant.values import Facts, Model
from cocoon.telegram.settings import TelegramSettings
from cocoon.telegram.web.shapes import (
    FactsAnswer,
    ModelAnswer,
    TopupAnswer,
    TrustAnswer,
    UsageDay,
)

if TYPE_CHECKING:
    from cocoon.telegram.accounts import DayUsage, Topup

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = 86_400


def is_simulated(kinds: Iterable[str]) -> bool:
    """Whether a kind of evidence names itself simulated or fake, so that it proves nothing."""
    return any("simulated" in kind or "fake" in kind for kind in kinds)


def model_answer(model: Model, settings: TelegramSettings, *, default: bool) -> ModelAnswer:
    """A model with its price and the classes in which a worker takes it."""
    cheapest = min(model.coefficients, default=0)
    classes = settings.assistant.price_classes
    return ModelAnswer(
        name=model.name,
        title=model.title,
        inputs=tuple(sorted(model.inputs)),
        context=model.context,
        price_nano_per_million=None if model.price is None else int(model.price),
        price_classes=tuple(
            name for name, most in classes.items() if most is None or cheapest <= most
        ),
        workers=model.workers,
        free_workers=model.free_workers,
        evidence=tuple(sorted(model.evidence)),
        simulated=is_simulated(model.evidence),
        default=default,
    )


def facts_answer(facts: Facts) -> FactsAnswer:
    """Who computed an answer, without the user that its reference names."""
    return FactsAnswer(
        id=facts.reference.rpartition(":")[2],
        at=facts.at,
        model=facts.model,
        finish=facts.finish,
        cost_nano=facts.cost,
        charged_nano=facts.charged,
        is_estimate=facts.is_estimate,
        prompt_tokens=facts.prompt_tokens,
        completion_tokens=facts.completion_tokens,
        seconds=facts.seconds,
        first_seconds=facts.first,
        proxy=facts.proxy,
        worker=facts.worker,
        sealed=facts.sealed,
        receipt=facts.receipt,
        notes=tuple(_notes(facts)),
    )


def _notes(facts: Facts) -> Iterable[str]:
    if not facts.sealed:
        yield "server_reads"
    if facts.worker is None:
        yield "worker_unknown"
    else:
        yield "worker_by_proxy"
    if facts.receipt is None:
        yield "no_receipts"
    kinds = [who.get("evidence", "") for who in (facts.proxy, facts.worker or {})]
    if is_simulated(kinds):
        yield "simulated_hardware"


def trust_answer(verification: Mapping[str, Any] | None) -> TrustAnswer:
    """What was verified just now, and what was not.

    Args:
        verification: ``cocoon.Verification.to_dict()``; None behind somebody else's gateway.
    """
    verified = bool(verification and verification.get("verified"))
    simulated = bool(verification and verification.get("simulated"))
    missing = ["server_reads", "worker_by_proxy", "no_receipts"]
    if verification is None:
        missing.append("gateway")
    elif not verified:
        missing.append("not_verified")
    if simulated:
        missing.append("simulated_hardware")
    # Notes are for the operator: they name settings and paths of the machine.
    told = {key: value for key, value in (verification or {}).items() if key != "notes"}
    if verification and verification.get("notes"):
        missing.append("lax_settings")
    return TrustAnswer(
        verified=verified,
        simulated=simulated,
        verification=None if verification is None else told,
        server_reads=True,
        sealed=False,
        receipts=False,
        not_checked=tuple(missing),
    )


def usage_days(found: Iterable["DayUsage"], today: int, count: int) -> tuple[UsageDay, ...]:
    """Every day of the last ``count``, the oldest first.

    Args:
        found: days on which anything happened.
        today: days since 1970-01-01.
        count: how many days, today included.
    """
    known = {one.day: one for one in found}
    shown = []
    for day in range(today - count + 1, today + 1):
        one = known.get(day)
        shown.append(
            UsageDay(
                day=f"{EPOCH + timedelta(days=day):%Y-%m-%d}",
                answers=one.answers if one else 0,
                free_nano=int(one.free) if one else 0,
                paid_nano=int(one.paid) if one else 0,
                topped_up_nano=int(one.topped_up) if one else 0,
            )
        )
    return tuple(shown)


def topup_answer(topup: "Topup", *, balance: int) -> TopupAnswer:
    """A top-up.

    Args:
        topup: as stored.
        balance: of its user, nanoTON: only what is unspent is given back.
    """
    paid = topup.method == "stars" and topup.state == "paid"
    return TopupAnswer(
        id=topup.id,
        method=topup.method,
        state=topup.state,
        nano=int(topup.received) if topup.received else int(topup.nano),
        stars=topup.stars,
        created=topup.created,
        refundable=paid and 0 < int(topup.received) <= balance,
    )
