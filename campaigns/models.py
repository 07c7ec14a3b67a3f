"""Policies, campaigns, the two matrices that join them to cells, and what was published of it."""

from datetime import date

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models import Organisation, User
from common.naming import Named, in_chinese
from customers.meetings import Channel
from segmentation.models import Audience, MatrixVersion


class Policy(models.Model):
    """One reusable piece of campaign content, known by its ``number`` (P0012)."""

    number = models.CharField(max_length=20, primary_key=True)

    class Meta:
        ordering = ["number"]
        verbose_name_plural = "policies"

    def __str__(self) -> str:
        return self.number


class PolicyVersionQuerySet(models.QuerySet["PolicyVersion"]):
    def newest(self) -> "PolicyVersionQuerySet":
        """The version that speaks for each policy: an edit replaces the one before at once."""
        return self.order_by("policy_id", "-number").distinct("policy_id")


class PolicyVersion(Named):
    """What a policy says from this version on. Never changed: an edit makes the next version."""

    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    clauses_zh = ArrayField(models.CharField(max_length=300), default=list)
    clauses_en = ArrayField(models.CharField(max_length=300), default=list)
    cost = models.DecimalField(max_digits=12, decimal_places=2, help_text="yuan per taker")
    reward = models.DecimalField(
        max_digits=12, decimal_places=2, help_text="yuan the customer gets"
    )
    margin = models.DecimalField(max_digits=12, decimal_places=2, help_text="yuan earned per taker")
    take_up = models.CharField(max_length=4000, help_text="number expression: probability 0–1")
    eligibility = models.CharField(max_length=4000, blank=True, help_text="rule; empty: everyone")
    exclusivity_group = models.CharField(max_length=40, blank=True)
    channels = ArrayField(models.CharField(max_length=20, choices=Channel))
    cities = ArrayField(models.CharField(max_length=40), default=list, help_text="empty: all")
    talking_points_zh = ArrayField(models.CharField(max_length=300), default=list)
    talking_points_en = ArrayField(models.CharField(max_length=300), default=list)
    valid_from = models.DateField()
    valid_to = models.DateField()
    capacity = models.PositiveIntegerField(null=True, help_text="takers at most; empty: no limit")
    held_days = models.PositiveIntegerField(
        default=365, help_text="days for which a taker holds it, and no other of its group"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = PolicyVersionQuerySet.as_manager()

    class Meta:
        ordering = ["policy", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["policy", "number"], name="campaigns_policy_version")
        ]
        indexes = [
            # The few that every answer asks for.
            models.Index(
                fields=["policy"],
                condition=models.Q(capacity__isnull=False),
                name="campaigns_with_capacity",
            )
        ]

    def __str__(self) -> str:
        return f"{self.policy_id}@{self.number}"

    @property
    def clauses(self) -> list[str]:
        return self.clauses_zh if in_chinese() else self.clauses_en

    @property
    def talking_points(self) -> list[str]:
        return self.talking_points_zh if in_chinese() else self.talking_points_en

    def valid_on(self, day: date) -> bool:
        return self.valid_from <= day <= self.valid_to


class CampaignQuerySet(models.QuerySet["Campaign"]):
    def visible_to(self, user: User) -> "CampaignQuerySet":
        """Those of the user's own organisation, of all below it, and of those above it.

        What the province runs reaches the customers of every city, so every city may read it.
        """
        return self.filter(organisation__in=Organisation.objects.concerning(user))


class Campaign(Named):
    """A campaign of an organisation: which policies, to which cells, when."""

    code = models.CharField(max_length=20, primary_key=True)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="campaigns"
    )
    starts_on = models.DateField()
    ends_on = models.DateField()
    lever = models.FloatField(default=1.0, help_text="multiplies expected value; 1 = as computed")
    audience = models.ForeignKey(
        Audience, on_delete=models.PROTECT, null=True, related_name="campaigns"
    )
    control = models.JSONField(
        default=list, help_text="buckets that get nothing of it: [[first, last], …], 0 to 9,999"
    )

    objects = CampaignQuerySet.as_manager()

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.code

    def runs_on(self, day: date) -> bool:
        return self.starts_on <= day <= self.ends_on


class MarketingRow(models.Model):
    """A row of the marketing matrix 营销矩阵: in this campaign, this policy meets these cells.

    ``cells`` selects cells of ``matrix`` by band: {"value": ["high", "middle"]}; a dimension not
    named means all its bands, {} all cells. Many to many, changeable at any time.
    """

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="rows")
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="rows")
    matrix = models.CharField(max_length=40)
    cells = models.JSONField(default=dict)
    position = models.PositiveIntegerField()

    class Meta:
        ordering = ["position"]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.policy_id} {self.matrix}"

    @property
    def box(self) -> dict[str, list[str]]:
        """``cells`` in one order, so that equal boxes have equal keys."""
        return {dimension: sorted(bands) for dimension, bands in sorted(self.cells.items())}


class BoxChoice(models.Model):
    """What becomes of the marketing rows of a box that a draft of its matrix no longer fits.

    ``becomes``: the box they will name, null: they will be dropped. ``key``: key_of(box).
    """

    version = models.ForeignKey(MatrixVersion, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=40)
    box = models.JSONField()
    becomes = models.JSONField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "key"], name="campaigns_choice_once")
        ]

    def __str__(self) -> str:
        return f"{self.version} {self.box}"


class PriorityRule(Named):
    """A row of the priority matrix 优先级矩阵: when the condition holds, prefer these offers.

    ``prefer`` names any of policies, campaigns, exclusivity_groups, strategies. The first rule that
    holds and names the offer gives its tier; an offer that none names has the last tier.
    Positions count from 1 and are the tiers.
    """

    position = models.PositiveIntegerField()
    condition = models.CharField(max_length=4000)
    prefer = models.JSONField()

    class Meta:
        ordering = ["position"]

    def __str__(self) -> str:
        return self.name_en


class HoldOut(models.Model):
    """Who gets no offer at all, so that what all campaigns do together can be measured.

    One row. ``key`` keys the hash behind every bucket, of the hold-out and of each campaign's
    control: never changed while anything that it drew is still measured. ``buckets``: [[first,
    last], …] of 0 to 9,999.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    key = models.CharField(max_length=64)
    buckets = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="campaigns_one_hold_out")
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.buckets}"


class Offer(models.Model):
    """A policy version within a campaign. Its id is what an answer stores; never reused."""

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT)
    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "policy_version"], name="campaigns_offer_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.policy_version}"


class Plan(models.Model):
    """All that one day's matching needs, compiled and frozen: what a decision is replayed from."""

    key = models.CharField(max_length=40, primary_key=True)
    body = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.key


class Publication(models.Model):
    """One published state of all answers. Its id is the version that answers and decisions name."""

    id = models.BigIntegerField(primary_key=True)
    business_date = models.DateField()
    run_number = models.PositiveIntegerField()
    answers_key = models.CharField(max_length=40, help_text="the partition of answers it shows")
    content_hash = models.CharField(max_length=64)
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT)
    versions = models.JSONField(help_text="snapshot, matrices, models and plan by version")
    customers = models.BigIntegerField()
    changed = models.BigIntegerField(help_text="rows written: new, changed and departed customers")
    published_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.business_date} v{self.id}"


class CurrentPublication(models.Model):
    """The one pointer. Flipping it is the moment at which all readers see the new day."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    publication = models.ForeignKey(Publication, on_delete=models.PROTECT)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="campaigns_one_pointer")
        ]

    def __str__(self) -> str:
        return str(self.publication)


class Answer(models.Model):
    """A customer's answer from publication ``publication_id`` on, until a later row of his.

    Rows are only ever added, so a publication that dies leaves nothing to undo and an older one can
    be read as it was. The current row is the one with the greatest publication up to the pointer.
    Arrays are in rank order: offers[i] has tiers[i], take_ups[i], worths[i] (yuan).
    """

    pk = models.CompositePrimaryKey("customer_no", "publication_id")
    customer_no = models.CharField(max_length=40)
    publication_id = models.BigIntegerField()
    city = models.CharField(max_length=40)
    profile = models.JSONField()
    cells = ArrayField(models.BigIntegerField())
    offers = ArrayField(models.BigIntegerField())
    tiers = ArrayField(models.SmallIntegerField())
    take_ups = ArrayField(models.FloatField())
    worths = ArrayField(models.FloatField())
    departed = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.customer_no}@{self.publication_id}"
