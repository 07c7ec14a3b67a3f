"""Why a row is rejected. The codes are stable: they stand in reject files and counts."""

from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Reason(StrEnum):
    # The row could not be read at all, so nothing else is said of it.
    WRONG_FIELD_COUNT = "wrong_field_count"
    BROKEN_ENCODING = "broken_encoding"
    # A value of it cannot be what its column holds.
    NULL_KEY = "null_key"
    MISSING_VALUE = "missing_value"
    WRONG_TYPE = "wrong_type"
    OUT_OF_RANGE = "out_of_range"
    UNKNOWN_CITY = "unknown_city"
    UNKNOWN_CATEGORY = "unknown_category"
    VALUE_TOO_LONG = "value_too_long"
    CONTROL_CHARACTER = "control_character"
    # All its values are sound, but an earlier sound row has the key.
    DUPLICATE_KEY = "duplicate_key"

    @property
    def label(self) -> Promise:
        return LABELS[self]


LABELS: dict[Reason, Promise] = {
    Reason.WRONG_FIELD_COUNT: _("more or fewer fields than the header"),
    Reason.BROKEN_ENCODING: _("bytes that are not text in the file's encoding"),
    Reason.NULL_KEY: _("no key"),
    Reason.MISSING_VALUE: _("a value that must be given is missing"),
    Reason.WRONG_TYPE: _("not a value of the column's type"),
    Reason.OUT_OF_RANGE: _("outside the range of the catalogue"),
    Reason.UNKNOWN_CITY: _("a city that the organisation does not have"),
    Reason.UNKNOWN_CATEGORY: _("a value that the catalogue does not list"),
    Reason.VALUE_TOO_LONG: _("longer than the column allows"),
    Reason.CONTROL_CHARACTER: _("a control character"),
    Reason.DUPLICATE_KEY: _("an earlier row has the same key"),
}
