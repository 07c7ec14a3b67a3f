"""What the learning methods say in codes, as sentences in the reader's language."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from common.errors import DomainError
from customers.purchases import Bought, is_bought

from .learning.refusal import Code, NotEstimable

REFUSALS: dict[Code, str] = {
    "too_few_outcomes": gettext_noop(
        "at least %(least)s customers with the outcome and as many without are needed; of "
        "%(rows)s, %(positives)s have it"
    ),
    "one_class": gettext_noop("all %(rows)s customers have the same outcome"),
    "unknown_outcomes": gettext_noop(
        "%(rows)s customers are in its population on %(day)s, and nobody's outcome is known: "
        "choose a day that has been delivered with outcomes"
    ),
    "no_orders": gettext_noop("no order is on record, so nobody's outcome is known"),
    "label_in_future": gettext_noop(
        "outcomes are observed until %(needed)s, and what is known ends on %(known)s: choose an "
        "earlier day or a shorter window"
    ),
    "no_rows": gettext_noop("no customer is in its population"),
    "nobody_in_trial": gettext_noop(
        "of the %(rows)s customers in its population nobody takes part in trial %(trial)s from "
        "%(day)s on: choose the day on which its lot was drawn"
    ),
    "days_too_close": gettext_noop(
        "outcomes are observed for %(within)s days, and those of every other day reach into "
        "%(newest)s, the newest, on which it is to be measured: add a day that lies further back"
    ),
    "nobody_bought": gettext_noop("nobody has bought within the last %(days)s days"),
    "too_few_rows": gettext_noop("at least %(least)s customers are needed, there are %(rows)s"),
    "nobody_called": gettext_noop("nobody reaches the cut"),
    "not_a_probability": gettext_noop(
        "the score is no probability, so there is no rate to hold it against"
    ),
    "constant": gettext_noop("every customer has the same value"),
    "duplicate_customers": gettext_noop(
        "%(rows)s rows hold %(customers)s customers: each customer must stand once per day"
    ),
    "no_usable_features": gettext_noop(
        "none of the %(candidates)s features varies: all are constant or unknown"
    ),
    "nothing_predicts": gettext_noop(
        "none of the %(candidates)s features tells more about the outcome than chance"
    ),
    "too_good_alone": gettext_noop(
        "%(attribute)s alone separates the outcomes with an AUC of %(auc)s: it is known only after "
        "the outcome, or is the outcome itself. Leave it out, or show that it is known before"
    ),
    "too_good_together": gettext_noop(
        "%(attribute)s tells the outcome about as well (AUC %(auc)s) as all honest attributes "
        "together (%(rest)s), and beside them far better (%(together)s) than one more of their "
        "kind could: it may be known only after the outcome. Leave it out, or show that it is "
        "known before"
    ),
    "one_outcome_only": gettext_noop(
        "all but a few customers whose %(attribute)s is %(value)s have the same outcome, the "
        "rarer one: it may be filled in with the outcome or after it. Leave it out, or show that "
        "it is known before"
    ),
    "known_after_outcome": gettext_noop(
        "%(attribute)s is known only after the outcome: leave it out"
    ),
    "separated": gettext_noop(
        "%(attribute)s alone separates the outcomes without an exception, so its weight has no "
        "finite value: leave it out, or look into how it comes about"
    ),
    "separated_together": gettext_noop(
        "the attributes together separate the outcomes without an exception, so their weights have "
        "no finite value; the strongest are %(attributes)s: look into how they come about, or "
        "leave one out"
    ),
    "did_not_converge": gettext_noop("the fit did not converge in %(iterations)s iterations"),
    "inconsistent_judgements": gettext_noop(
        "the judgements under %(node)s contradict each other: their consistency ratio is %(ratio)s "
        "and must be at most %(limit)s. What hurts most is %(item)s over %(other)s: it is judged "
        "%(given)s, and all the others imply %(suggested)s"
    ),
    "missing_judgements": gettext_noop(
        "under %(node)s %(missing)s comparisons are missing, the first is %(item)s with %(other)s"
    ),
    "judgement_off_scale": gettext_noop(
        "%(expert)s judges %(item)s over %(other)s %(ratio)s; a judgement is between 1/9 and 9"
    ),
    "judgement_not_reciprocal": gettext_noop(
        "%(expert)s judges %(item)s over %(other)s %(ratio)s, and the other way round %(back)s: "
        "one must be 1 divided by the other"
    ),
    "judgement_of_itself": gettext_noop(
        "%(expert)s judges %(item)s over itself %(ratio)s; that is 1"
    ),
    "judgement_repeated": gettext_noop("%(expert)s judges %(item)s over %(other)s twice"),
    "judgement_unknown": gettext_noop("%(node)s: there is no %(item)s in the hierarchy"),
    "too_many_items": gettext_noop(
        "%(items)s items under %(node)s are too many to compare with each other: at most %(limit)s"
    ),
    "weights_do_not_sum": gettext_noop("the weights must sum to 1, they sum to %(total)s"),
    "weight_not_positive": gettext_noop(
        "the weight of %(attribute)s must be positive, it is %(weight)s"
    ),
    "empty_scale": gettext_noop(
        "the scale of %(attribute)s must begin below its end, it is %(low)s to %(high)s"
    ),
    "scale_not_positive": gettext_noop(
        "a logarithmic scale begins above 0, that of %(attribute)s begins at %(low)s"
    ),
    "no_control": gettext_noop(
        "what a contact adds can be told only beside customers left alone by lot: %(treated)s "
        "were contacted and %(control)s left alone"
    ),
    "not_randomised": gettext_noop(
        "who was contacted can be told from their attributes (AUC %(auc)s), so they were not "
        "chosen by lot and the difference to the others is not what the contact did"
    ),
    "too_few_distinct": gettext_noop(
        "the customers have %(distinct)s different behaviours, at least %(least)s are needed"
    ),
    "no_repeat_purchases": gettext_noop(
        "none of the %(customers)s customers has bought twice in the time that is known"
    ),
    "record_too_short": gettext_noop(
        "purchases are on record for %(days)s days, at least %(least)s are needed"
    ),
    "no_mean_spend": gettext_noop(
        "what customers spend differs so much that it has no finite mean (q %(q)s)"
    ),
    "too_many_itemsets": gettext_noop(
        "more than %(most)s combinations are frequent enough: raise the least support"
    ),
    "no_cost": gettext_noop("there is no cost, so there is no return on it"),
    "no_contacts": gettext_noop(
        "no contact with its customers is on record from %(first)s to %(last)s"
    ),
    "no_tariff": gettext_noop(
        "customers were contacted by %(channels)s, and the definition has no tariff for that: give "
        "it one, of 0 where a contact costs nothing"
    ),
}


# What comes with one outcome only, where it is no code and no range of numbers.
VALUES = {"known": gettext_noop("known"), "missing": gettext_noop("unknown")}

# What a column of purchases tells, of orders up to so many days old.
BOUGHT = {
    "first": gettext_noop("days since the first purchase, of %(within)s days"),
    "second": gettext_noop("days since the second purchase, of %(within)s days"),
    "last": gettext_noop("days since the last purchase, of %(within)s days"),
    "purchases": gettext_noop("purchases within %(within)s days"),
    "money": gettext_noop("yuan within %(within)s days"),
    "repeats": gettext_noop("days of buying again within %(within)s days"),
    "spend": gettext_noop("yuan per day of buying again within %(within)s days"),
}
BEFORE = gettext_noop("%(what)s, as it was %(before)s days before")


def bought(code: str) -> str:
    """What a column of purchases is called; any other code as it is."""
    if not is_bought(code):
        return code
    column = Bought.of(code)
    what = _(BOUGHT[column.figure]) % {"within": column.within}
    if not column.before:
        return what
    return _(BEFORE) % {"what": what, "before": column.before}


def refused(error: NotEstimable, subject: str) -> DomainError:
    """Return the refusal of a learning method as an error for people; ``subject`` names what."""
    told = {name: _figure(value) for name, value in error.figures.items()}
    if told.get("value") in VALUES:
        told["value"] = _(VALUES[told["value"]])
    return DomainError(
        error.code,
        _("%(subject)s can't be estimated: %(why)s.")
        % {"subject": subject, "why": _(REFUSALS[error.code]) % told},
        **error.figures,
    )


def _figure(value: Any) -> str:
    if isinstance(value, float) and not value.is_integer():
        return f"{value:.3f}"
    return f"{int(value):,}" if isinstance(value, int | float) else str(value)
