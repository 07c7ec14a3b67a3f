"""What goes in and what comes out, field by field: the published contract.

Answers are written straight from their dataclasses (``rendering``); the serializers of answers here
describe them, and a test holds the two against each other.
"""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from contacts.record import PERSONALISED
from customers.meetings import Channel, Outcome
from touch.feedback import MOST_EVENTS
from touch.gates import Gate
from touch.recommendation import DEFAULT_ITEMS, MOST_CUSTOMERS, MOST_ITEMS

OUTCOMES = tuple(Outcome.values)
CHANNELS = tuple(Channel.values)
GATES = tuple(gate.value for gate in Gate)
REASONS = ("cell", "eligibility", "priority", "general")
OPT_OUTS = (*CHANNELS, PERSONALISED)
CUSTOMER_NO = {"min_length": 1, "max_length": 40}
# Of an Idempotency-Key.
LONGEST_KEY, KEY_PATTERN = 100, "^[!-~]+$"


class Strict(serializers.Serializer):
    """Refuses fields that it does not know: a slip of the pen must not be taken for nothing."""

    def validate_empty_values(self, data: Any) -> tuple[bool, Any]:
        """A body that is null is refused as any other that is no object."""
        return (False, data) if data is None else super().validate_empty_values(data)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = sorted(set(data) - set(self.fields))
            if unknown:
                text = _("There is no field %(name)s; the fields are %(known)s.")
                known = ", ".join(self.fields)
                raise serializers.ValidationError(
                    {name: [text % {"name": name, "known": known}] for name in unknown}
                )
        return super().to_internal_value(data)


class Moment(serializers.DateTimeField):
    """A point of time with its offset: without one it would be another in another place."""

    default_error_messages = {
        "naive": gettext_lazy("Say the time with its offset, such as 2026-07-01T10:00:00+08:00.")
    }

    def enforce_timezone(self, value: datetime) -> datetime:
        if value.tzinfo is None:
            self.fail("naive")
        return super().enforce_timezone(value)


class Question(Strict):
    """What is asked about a customer."""

    channel = serializers.ChoiceField(
        CHANNELS,
        required=False,
        help_text="where the customer is met: only what it carries, within its limits and hours",
    )
    limit = serializers.IntegerField(
        min_value=1, max_value=MOST_ITEMS, default=DEFAULT_ITEMS, help_text="items at most"
    )
    explain = serializers.BooleanField(
        default=False, help_text="also everything considered, and how each rank came about"
    )
    at = Moment(
        required=False,
        help_text="when the customer is met, with its offset; now if it is left out",
    )


class BatchQuestion(Question):
    """What is asked about many customers."""

    customers = serializers.ListField(
        child=serializers.CharField(**CUSTOMER_NO),
        min_length=1,
        max_length=MOST_CUSTOMERS,
        help_text="customer numbers",
    )


@extend_schema_field({"type": ["string", "number", "boolean", "null"]})
class Plain(serializers.JSONField):
    """A value of whichever type the attribute has."""


@extend_schema_field({"type": "array", "items": {"type": ["string", "integer"]}})
class Where(serializers.JSONField):
    """A path into the input: names of fields, and places in lists from 0."""


class FactSerializer(serializers.Serializer):
    """An attribute of the customer that the caller may see."""

    code = serializers.CharField()
    name = serializers.CharField()
    category = serializers.CharField()
    value = Plain(help_text="for a machine; a day as YYYY-MM-DD; null: unknown")
    shown = serializers.CharField(help_text="the value for a person, with its unit")


class BandSerializer(serializers.Serializer):
    """Where the cell lies in one dimension of its matrix."""

    dimension = serializers.CharField()
    band = serializers.CharField()


class CellSerializer(serializers.Serializer):
    """The one cell of a matrix that the customer is in."""

    matrix = serializers.CharField()
    name = serializers.CharField()
    version = serializers.IntegerField()
    number = serializers.IntegerField(help_text="unique for all time")
    bands = BandSerializer(many=True)


class ReasonSerializer(serializers.Serializer):
    """Why the offer stands where it stands."""

    kind = serializers.ChoiceField(REASONS)
    text = serializers.CharField()


class RankingSerializer(serializers.Serializer):
    """How the rank came about."""

    tier = serializers.IntegerField(help_text="of the priority rule that named it; 255: none did")
    take_up = serializers.FloatField()
    margin = serializers.FloatField(help_text="yuan per taker")
    lever = serializers.FloatField()
    worth = serializers.FloatField(help_text="yuan")
    text = serializers.CharField()


class ItemSerializer(serializers.Serializer):
    """One offer."""

    rank = serializers.IntegerField()
    policy = serializers.CharField()
    version = serializers.IntegerField()
    name = serializers.CharField()
    campaign = serializers.CharField()
    campaign_name = serializers.CharField()
    clauses = serializers.ListField(child=serializers.CharField())
    talking_points = serializers.ListField(child=serializers.CharField())
    channels = serializers.ListField(child=serializers.ChoiceField(CHANNELS))
    take_up = serializers.FloatField(
        allow_null=True, help_text="probability, 0 to 1; null: offered to everybody"
    )
    worth = serializers.FloatField(
        allow_null=True, help_text="expected value: take-up × margin × lever, yuan; null likewise"
    )
    valid_until = serializers.DateField()
    reasons = ReasonSerializer(many=True)
    ranking = RankingSerializer(allow_null=True, help_text="null unless explain")


class ConsideredSerializer(serializers.Serializer):
    """One policy that was looked at, and the gate that stopped it."""

    policy = serializers.CharField()
    version = serializers.IntegerField()
    name = serializers.CharField()
    campaign = serializers.CharField(help_text="empty: no campaign offers it")
    rank = serializers.IntegerField(allow_null=True, help_text="null: not in the answer")
    gate = serializers.ChoiceField(GATES, allow_null=True, help_text="the first that is shut")
    passed = serializers.ListField(child=serializers.ChoiceField(GATES))
    text = serializers.CharField()


class RecommendationSerializer(serializers.Serializer):
    """The answer about one customer."""

    decision = serializers.UUIDField(help_text="names this answer in feedback; ids follow time")
    at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(help_text="until then feedback is taken")
    customer_no = serializers.CharField(help_text="masked unless the caller may see it whole")
    city = serializers.CharField()
    channel = serializers.CharField(help_text="as asked; empty: none was named")
    personalised = serializers.BooleanField(
        help_text="false: the customer opted out; the items are everybody's"
    )
    profile = FactSerializer(many=True)
    cells = CellSerializer(many=True)
    items = ItemSerializer(many=True)
    considered = ConsideredSerializer(many=True, allow_null=True, help_text="null unless explain")
    business_date = serializers.DateField()
    published_at = serializers.DateTimeField()
    publication = serializers.IntegerField()
    versions = serializers.DictField(help_text="snapshot, matrices, models and plan by version")


class FaultSerializer(serializers.Serializer):
    """One fault of the input."""

    where = Where(help_text="the path to the field: events, 2, policy")
    code = serializers.CharField(help_text="stable, untranslated")
    message = serializers.CharField(help_text="for a person, in the language asked for")


class ProblemSerializer(serializers.Serializer):
    """Every refusal has this form (RFC 9457)."""

    type = serializers.CharField(help_text="urn:juzhen:problem: and the code")
    title = serializers.CharField(help_text="of the status")
    status = serializers.IntegerField()
    code = serializers.CharField(help_text="stable, untranslated: what a program goes by")
    detail = serializers.CharField(
        help_text="for a person, in the language asked for: what must hold, what came, what to do"
    )
    where = Where(required=False, help_text="the path to what is wrong: customer_no")
    errors = FaultSerializer(many=True, required=False, help_text="where there are several faults")
    extra = serializers.DictField(required=False, help_text="what else a program can use")


class BatchEntrySerializer(serializers.Serializer):
    """Either an answer or a problem."""

    answer = RecommendationSerializer(allow_null=True)
    problem = ProblemSerializer(allow_null=True)


class BatchSerializer(serializers.Serializer):
    """The answers about many customers."""

    answers = BatchEntrySerializer(
        many=True, help_text="one per customer, in the order asked: an answer or a problem"
    )


class ReplaySerializer(serializers.Serializer):
    """A decision made again from its versions, and held against now."""

    decision = serializers.UUIDField()
    by = serializers.CharField(help_text="who asked")
    reproduced = serializers.BooleanField(
        allow_null=True,
        help_text="whether its versions gave the same answer again; null: no longer kept",
    )
    still_the_same = serializers.BooleanField(help_text="whether the question gets it now, too")
    gone = serializers.ListField(child=serializers.CharField(), help_text="only then: P0012@2")
    new = serializers.ListField(child=serializers.CharField(), help_text="only now")
    reason = serializers.CharField(help_text="why it could not be replayed; empty: it was")
    answer = RecommendationSerializer(allow_null=True)


@extend_schema_serializer(component_name="FeedbackEvent")
class EventIn(Strict):
    """What a customer did about one policy of an answer."""

    decision = serializers.UUIDField(help_text="of the answer")
    policy = serializers.CharField(max_length=20, help_text="one that the answer offered")
    outcome = serializers.ChoiceField(OUTCOMES)
    reason = serializers.CharField(
        max_length=200,
        required=False,
        allow_blank=True,
        help_text="why the customer declined: needed with declined",
    )
    channel = serializers.ChoiceField(
        CHANNELS, required=False, help_text="needed if the question named none"
    )
    at = Moment(required=False, help_text="when it was; now if left out")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["outcome"] == Outcome.DECLINED and not attrs.get("reason"):
            raise serializers.ValidationError(
                {"reason": [_("Say in a few words why the customer declined.")]}
            )
        return attrs


class Feedback(Strict):
    """A report: taken whole or refused whole."""

    events = serializers.ListField(child=EventIn(), min_length=1, max_length=MOST_EVENTS)


class FeedbackReply(serializers.Serializer):
    """What became of a report."""

    recorded = serializers.IntegerField(help_text="events that were new")
    known = serializers.IntegerField(help_text="events that had been reported before")


class OptOuts(Strict):
    """All that the customer does not want to hear from."""

    opted_out = serializers.ListField(
        child=serializers.ChoiceField(OPT_OUTS),
        max_length=len(OPT_OUTS),
        help_text="channels, and “personalised” for personalised marketing as a whole; all of them",
    )


class OptOutsReply(serializers.Serializer):
    """All that the customer does not want to hear from, as it is now."""

    opted_out = serializers.ListField(child=serializers.ChoiceField(OPT_OUTS))
