"""What can't be learned or measured says why: a code and the figures a sentence about it needs."""

from typing import Literal

LEAST_POSITIVES = 30

Code = Literal[
    # the outcomes
    "too_few_outcomes",  # least, positives, rows
    "one_class",  # rows
    "unknown_outcomes",  # rows: labels that are null
    "label_in_future",  # rows
    # the rows
    "no_rows",
    "too_few_rows",  # least, rows
    "duplicate_customers",  # rows, customers
    # the features
    "no_usable_features",  # candidates
    "too_good_alone",  # attribute, auc: separates too well by itself, a leak
    "known_after_outcome",  # attribute
    "separated",  # attribute: perfect separation, no finite weight exists
    # the fit
    "did_not_converge",  # iterations
    # experts' judgements
    "inconsistent_judgements",  # ratio, limit
    "weights_do_not_sum",  # total
    # treatments
    "no_control",  # treated, control
    "not_randomised",  # auc
    # groups, purchases, money
    "too_few_distinct",  # distinct, least
    "no_repeat_purchases",  # customers
    "no_cost",
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
