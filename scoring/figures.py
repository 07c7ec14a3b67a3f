"""Figures of models for people: what they are called, with interval; why there is none."""

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from .names import Names
from .report_names import listed
from .words import REFUSALS

UNKNOWN = "–"

# In the order in which they are told.
FACTS = {
    "auc": gettext_noop("AUC"),
    "ks": gettext_noop("KS"),
    "top_decile_lift": gettext_noop("lift of the highest tenth"),
    "qini": gettext_noop("Qini"),
    "auuc": gettext_noop("AUUC"),
    "beats_random": gettext_noop("p against a random order"),
    "top_tenth_share": gettext_noop("share of the highest tenth"),
    "tested": gettext_noop("pairs tested"),
    "together": gettext_noop("go together"),
    "apart": gettext_noop("keep apart"),
    "top_lift": gettext_noop("highest lift"),
    "marked": gettext_noop("share marked"),
    "at_stake": gettext_noop("yuan at stake"),
    "bought": gettext_noop("share who bought"),
    "conversion": gettext_noop("second-purchase conversion"),
    "repeat_rate": gettext_noop("repeat rate"),
    "weekly_return": gettext_noop("weekly return rate"),
    "won_back": gettext_noop("win-back rate"),
    "foretold": gettext_noop("days of buying foretold"),
    "came": gettext_noop("days of buying that came"),
    "offered": gettext_noop("with a next product"),
    "upsell": gettext_noop("of them a dearer tier"),
    "contacts": gettext_noop("contacts"),
    "orders": gettext_noop("orders"),
    "credited": gettext_noop("orders credited"),
    "cost": gettext_noop("cost in yuan"),
    "profit": gettext_noop("profit in yuan"),
    "groups": gettext_noop("groups"),
    "stability": gettext_noop("stability"),
    "certainty": gettext_noop("mean certainty"),
    "mean": gettext_noop("mean score"),
    "mean_yuan": gettext_noop("mean value in yuan"),
    "rows": gettext_noop("customers"),
    "known": gettext_noop("with a score"),
    "positives": gettext_noop("with the outcome"),
    "treated": gettext_noop("contacted"),
    "held_out": gettext_noop("held out for the test"),
    "purged": gettext_noop("left out, for their outcomes reach into the held-out day"),
    "snapshots": gettext_noop("snapshots"),
    "in_snapshots": gettext_noop("customers in the snapshots"),
    "read": gettext_noop("of them read"),
    "days": gettext_noop("days"),
    "candidates": gettext_noop("attributes looked at"),
    "looked_at": gettext_noop("attributes searched for leaks"),
    "suspects": gettext_noop("separate well alone, to be looked at"),
}
# Those that are shares of customers, and told as such.
SHARES = (
    *("top_tenth_share", "marked", "bought", "conversion", "repeat_rate"),
    *("weekly_return", "won_back"),
)
# Why a figure of a table is missing, where the sentence of a refusal needs more than is known here.
WHY = {
    "too_few_outcomes": gettext_noop("too few customers with the outcome, or without it"),
    "one_class": gettext_noop("all customers have the same outcome"),
    "separated": gettext_noop("the outcomes are separated without an exception"),
    "not_randomised": gettext_noop("the customers were not chosen by lot"),
    "no_control": gettext_noop("too few customers contacted, or too few left alone"),
    "no_usable_features": gettext_noop("no attribute tells the customers apart"),
    "too_few_rows": gettext_noop("too few customers"),
    "other_features": gettext_noop("it reads attributes that were not read here"),
    "duplicate_customers": gettext_noop("customers stand more than once"),
}
# Facts for machines: where a file lies, ends of an interval that is told with its figure.
UNTOLD = ("file", *(f"{name}_{end}" for name in FACTS for end in ("low", "high")))


def why(code: str) -> str:
    """Why something can't be estimated, in a few words."""
    if code in WHY:
        return _(WHY[code])
    told: dict[str, str] = {**REFUSALS}
    sentence = told.get(code, "")
    return _(sentence) if sentence and "%(" not in sentence else _(code.replace("_", " "))


def short(value: Any) -> str:
    """A figure as a list shows it: 12,345, 0.832, a dash where there is none."""
    if value is None or value == "":
        return UNKNOWN
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, float) and not value.is_integer() and abs(value) < 1000:
        if abs(value) >= 0.001:
            return minus(f"{value:.3f}")
        return "< 0.001" if value > 0 else "> −0.001"
    return minus(f"{value:,.0f}") if isinstance(value, int | float) else str(value)


def minus(text: str) -> str:
    """With the sign that is as wide as a digit."""
    return text.replace("-", "−")


def percent(value: float | None) -> str:
    """0.0234 → 2.3 %, as everywhere in the portal."""
    return UNKNOWN if value is None else minus(f"{value:,.1%}").replace("%", "\u202f%")


def interval(low: float | None, high: float | None, digits: int = 3) -> str:
    return "" if low is None or high is None else minus(f"{low:.{digits}f} … {high:.{digits}f}")


def facts(counts: dict[str, Any], names: Names) -> Iterator[tuple[str, str]]:
    """Counts and metrics as (what, figure), in the order of FACTS, each with its interval."""
    order = {code: place for place, code in enumerate(FACTS)}
    for code, value in sorted(counts.items(), key=lambda one: order.get(one[0], len(order))):
        if code in UNTOLD or isinstance(value, dict) or value == []:
            continue
        text = _fact(code, value, names)
        low, high = (counts.get(f"{code}_{end}") for end in ("low", "high"))
        if low is not None and high is not None:
            text += f" ({_fact(code, low, names)} … {_fact(code, high, names)})"
        yield _(FACTS.get(code, code.replace("_", " "))), text


def _fact(code: str, value: Any, names: Names) -> str:
    if isinstance(value, list):
        return listed(names.attributes(value))
    return percent(value) if code in SHARES else short(value)
