"""What can't be learned or measured says why: a code and the figures a sentence about it needs."""

from typing import Literal

LEAST_POSITIVES = 30

Code = Literal[
    # the outcomes
    "too_few_outcomes",  # least, positives, rows
    "one_class",  # rows
    "unknown_outcomes",  # rows: labels that are null
    "label_in_future",  # rows
    "no_known_outcomes",
    # the rows
    "no_rows",
    "too_few_rows",  # least, rows
    "duplicate_customers",  # rows, customers
    "nobody_called",  # no row is at or above the cut
    "not_a_probability",  # a score outside 0 to 1 can't be held against a rate
    "constant",  # every row has one value
    # the features
    "no_usable_features",  # candidates
    "nothing_predicts",  # candidates: none tells more than chance
    "too_good_alone",  # attribute, auc: separates too well by itself, a leak
    "known_after_outcome",  # attribute
    "separated",  # attribute: perfect separation, no finite weight exists
    # the fit
    "did_not_converge",  # iterations
    # experts' judgements
    "inconsistent_judgements",  # node, ratio, limit, item, other, given, suggested
    "missing_judgements",  # node, missing, item, other
    "judgement_off_scale",  # node, expert, item, other, ratio
    "judgement_not_reciprocal",  # node, expert, item, other, ratio, back
    "judgement_of_itself",  # node, expert, item, ratio
    "judgement_repeated",  # node, expert, item, other
    "judgement_unknown",  # node, item: not in the hierarchy
    "too_many_items",  # node, items, limit
    "weights_do_not_sum",  # total
    "weight_not_positive",  # attribute, weight
    "empty_scale",  # attribute, low, high
    "scale_not_positive",  # attribute, low: a log scale begins above zero
    # treatments
    "no_control",  # treated, control
    "not_randomised",  # auc
    "nobody_in_trial",  # trial
    # groups, purchases, money
    "nobody_bought",  # days: of the record
    "too_few_distinct",  # distinct, least
    "no_repeat_purchases",  # customers
    "record_too_short",  # days, least: purchases are on record for fewer days than it takes
    "no_mean_spend",  # q: spends so unlike that their mean is not finite
    "no_cost",
    "no_contacts",  # first, last: the days that were looked at
    "no_tariff",  # channels: that occur and whose cost is not given
    # what goes together
    "too_many_itemsets",  # most: the support is too low
]


class NotEstimable(ValueError):
    """What was asked for can't be estimated from these data.

    ``code`` says why; ``figures`` are what a sentence about it needs (scoring.words has the words):
    plain numbers, and texts for names of attributes.
    """

    def __init__(self, code: Code, **figures: float | str) -> None:
        super().__init__(f"{code}: {figures}" if figures else code)
        self.code: Code = code
        self.figures = figures
