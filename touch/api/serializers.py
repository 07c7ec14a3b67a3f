"""What goes in and what comes out, field by field: the published contract."""

from rest_framework import serializers

from campaigns.models import Channel
from touch.recommendation import MOST_ITEMS


class Asked(serializers.Serializer):
    channel = serializers.ChoiceField(
        Channel.choices, required=False, help_text="only policies that this channel carries"
    )
    limit = serializers.IntegerField(min_value=1, max_value=MOST_ITEMS, default=10)


class FactSerializer(serializers.Serializer):
    code = serializers.CharField()
    name = serializers.CharField()
    category = serializers.CharField()
    value = serializers.JSONField(allow_null=True, help_text="null: unknown")
    shown = serializers.CharField(help_text="the value for a person, with its unit")


class BandSerializer(serializers.Serializer):
    dimension = serializers.CharField()
    band = serializers.CharField()


class CellSerializer(serializers.Serializer):
    matrix = serializers.CharField()
    name = serializers.CharField()
    version = serializers.IntegerField()
    number = serializers.IntegerField(help_text="unique for all time")
    bands = BandSerializer(many=True)


class ReasonSerializer(serializers.Serializer):
    kind = serializers.ChoiceField(["cell", "eligibility", "priority"])
    text = serializers.CharField()


class ItemSerializer(serializers.Serializer):
    rank = serializers.IntegerField()
    policy = serializers.CharField()
    version = serializers.IntegerField()
    name = serializers.CharField()
    campaign = serializers.CharField()
    campaign_name = serializers.CharField()
    clauses = serializers.ListField(child=serializers.CharField())
    talking_points = serializers.ListField(child=serializers.CharField())
    channels = serializers.ListField(child=serializers.ChoiceField(Channel.choices))
    take_up = serializers.FloatField(help_text="probability, 0 to 1")
    worth = serializers.FloatField(help_text="expected value: take-up × margin × lever, yuan")
    valid_until = serializers.DateField()
    reasons = ReasonSerializer(many=True)


class RecommendationSerializer(serializers.Serializer):
    customer_no = serializers.CharField(help_text="masked unless the caller may see it whole")
    city = serializers.CharField()
    business_date = serializers.DateField()
    published_at = serializers.DateTimeField()
    publication = serializers.IntegerField()
    profile = FactSerializer(many=True)
    cells = CellSerializer(many=True)
    items = ItemSerializer(many=True)
    versions = serializers.DictField(help_text="snapshot, matrices, models and plan by version")


class ProblemSerializer(serializers.Serializer):
    """RFC 9457."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField(help_text="stable, untranslated")
    detail = serializers.CharField()
    where = serializers.JSONField(required=False)
    errors = serializers.JSONField(required=False)
    extra = serializers.JSONField(required=False)
