"""Who works here, where, and what they did."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from treebeard.mp_tree import MP_Node, MP_NodeManager, MP_NodeQuerySet

from common.naming import Named
from common.permissions import Permission

from .clients import OPERATIONS
from .roles import ROLES, Role

# A key that expires sooner is warned of.
SOON_DAYS = 14


class Level(models.TextChoices):
    """The value of a level at tree depth d is ``list(Level)[d - 1]``."""

    PROVINCE = "province", _("province")
    CITY = "city", _("city")
    TEAM = "team", _("team")


class OrganisationQuerySet(MP_NodeQuerySet):
    def visible_to(self, user: "User") -> "OrganisationQuerySet":
        """The user's own organisation and all below it."""
        if not user.sees_anything:
            return self.none()
        return self.filter(path__startswith=user.organisation.path)

    def concerning(self, user: "User") -> "OrganisationQuerySet":
        """The same and those above it, whose campaigns and rules reach the user's customers."""
        if not user.sees_anything:
            return self.none()
        path = user.organisation.path
        above = [path[:end] for end in range(Organisation.steplen, len(path), Organisation.steplen)]
        return self.filter(Q(path__startswith=path) | Q(path__in=above))


class OrganisationManager(MP_NodeManager.from_queryset(OrganisationQuerySet)):
    def get_queryset(self) -> OrganisationQuerySet:
        return OrganisationQuerySet(self.model, using=self._db).order_by("path")


class Organisation(Named, MP_Node):
    """A node of the tree province → cities → teams; a city's ``code`` is the snapshot's."""

    code = models.CharField(max_length=40, unique=True)
    sort_key = models.CharField(
        max_length=200, help_text="pinyin, for Chinese order in any database"
    )
    level = models.CharField(max_length=10, choices=Level)

    objects = OrganisationManager()

    class Meta(MP_Node.Meta):
        verbose_name = _("organisation")

    def __str__(self) -> str:
        return self.name

    @property
    def indented_name(self) -> str:
        """The name as it stands in a list that shows the tree."""
        return "\u2003" * (self.depth - 1) + self.name

    @property
    def cities(self) -> frozenset[str] | None:
        """The city codes whose customers belong here; None: those of every city."""
        if self.level == Level.PROVINCE:
            return None
        city = self if self.level == Level.CITY else Organisation.objects.get_parent(self)
        return frozenset({city.code})


class UserQuerySet(models.QuerySet["User"]):
    def visible_to(self, user: "User") -> "UserQuerySet":
        """The users of the user's own organisation and of all below it."""
        if not user.sees_anything:
            return self.none()
        return self.filter(organisation__path__startswith=user.organisation.path)


class AccountManager(UserManager.from_queryset(UserQuerySet)):
    use_in_migrations = False


class User(AbstractUser):
    """A person. What they may do is their roles'; where, their organisation's."""

    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, null=True, related_name="users"
    )
    roles = ArrayField(models.CharField(max_length=40), default=list, blank=True)

    objects: ClassVar[AccountManager] = AccountManager()

    class Meta:
        ordering = ["username"]

    def __str__(self) -> str:
        return self.username

    @property
    def role_classes(self) -> list[type[Role]]:
        """The roles held; a code that names no role any more grants nothing."""
        return [ROLES[code] for code in self.roles if code in ROLES]

    @property
    def sees_anything(self) -> bool:
        return bool(self.is_active and self.organisation_id and self.role_classes)

    def can(self, permission: Permission) -> bool:
        """Whether a role grants it. Where it may be used is for ``cities`` to say."""
        return self.sees_anything and any(permission in r.permissions for r in self.role_classes)

    @property
    def cities(self) -> frozenset[str] | None:
        """The city codes whose customers and results may be seen; None: the whole province."""
        if not self.sees_anything:
            return frozenset()
        return self.organisation.cities

    def sees_city(self, city: str) -> bool:
        return self.cities is None or city in self.cities


class OperationQuerySet(models.QuerySet["Operation"]):
    def visible_to(self, user: User) -> "OperationQuerySet":
        """At the province the whole log; below, what the people of the own organisation did."""
        if not user.sees_anything:
            return self.none()
        if user.organisation.level == Level.PROVINCE:
            return self
        return self.filter(
            organisation__in=Organisation.objects.visible_to(user).values_list("code")
        )


class Operation(models.Model):
    """One line of the operation log: who did what to which thing, when, before and after.

    The thing is named by plain values, so that the log depends on no app and outlives every row.
    ``organisation`` is where the doer worked at the time; empty for the system itself. A trigger
    in the database refuses to change or delete a line.
    """

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    by = models.CharField(max_length=150)
    organisation = models.CharField(max_length=40, blank=True)
    action = models.CharField(max_length=60)
    target_type = models.CharField(max_length=60)
    target_id = models.CharField(max_length=80)
    target_label = models.CharField(max_length=200)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    objects = OperationQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["target_type", "target_id"], name="accounts_operation_target")
        ]

    def __str__(self) -> str:
        return f"{self.by} {self.action} {self.target_label}"

    @property
    def differences(self) -> list[tuple[str, Any, Any]]:
        """The fields that the operation changed: (name, before, after), in name order."""
        before, after = self.before or {}, self.after or {}
        names = sorted(before.keys() | after.keys())
        return [(n, before.get(n), after.get(n)) for n in names if before.get(n) != after.get(n)]


class SystemClientQuerySet(models.QuerySet["SystemClient"]):
    def visible_to(self, user: User) -> "SystemClientQuerySet":
        """The clients of the user's own organisation and of all below it."""
        if not user.sees_anything:
            return self.none()
        return self.filter(organisation__path__startswith=user.organisation.path)


class SystemClient(Named):
    """A system such as CRM that calls the interface. It has keys, no password and no session.

    operations   what it may do: values of Permission, of those in ``clients.OPERATIONS``
    rate         calls a second in the long run
    burst        calls at once after a rest
    """

    code = models.CharField(max_length=40, unique=True)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="system_clients"
    )
    operations = ArrayField(models.CharField(max_length=40))
    rate = models.FloatField()
    burst = models.IntegerField()
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SystemClientQuerySet.as_manager()

    class Meta:
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(condition=Q(rate__gt=0), name="accounts_client_rate_positive"),
            models.CheckConstraint(
                condition=Q(burst__gte=1), name="accounts_client_burst_positive"
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def permissions(self) -> list[Permission]:
        """Its operations, in the order in which they are always named."""
        return [permission for permission in OPERATIONS if permission in self.operations]

    @property
    def valid_keys(self) -> list["ClientKey"]:
        """Newest first; of keys that were fetched already no second look is taken."""
        return [key for key in self.keys.all() if key.is_valid]

    @property
    def expires_soon(self) -> bool:
        """Whether no key of an active client is good beyond the next days: time for another."""
        valid = self.valid_keys
        return self.active and bool(valid) and all(key.expires_soon for key in valid)


class ClientKeyQuerySet(models.QuerySet["ClientKey"]):
    def valid(self) -> "ClientKeyQuerySet":
        """Those that would be admitted now, by the database's clock."""
        return self.filter(revoked_at=None, expires_at__gt=Now())


class ClientKey(models.Model):
    """One key of a client. The key itself is shown once and kept nowhere: only its hash is.

    prefix         the part by which people know it
    hash           SHA-256 of the whole key, hex
    last_used_at   to within a minute; None: never
    by             who issued it
    """

    client = models.ForeignKey(SystemClient, on_delete=models.CASCADE, related_name="keys")
    prefix = models.CharField(max_length=8, unique=True)
    hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    by = models.CharField(max_length=150)

    objects = ClientKeyQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"jz_{self.prefix}_…"

    @property
    def is_valid(self) -> bool:
        """Whether it would be admitted, as far as this process's clock tells; for pages."""
        return self.revoked_at is None and self.expires_at > timezone.now()

    @property
    def days_left(self) -> int:
        """Whole days until it expires; negative once it has."""
        return (self.expires_at - timezone.now()).days

    @property
    def expires_soon(self) -> bool:
        return self.is_valid and self.days_left < SOON_DAYS


class ClientBucket(models.Model):
    """What a client's next call may take: changed by ``admission`` alone, missing when full.

    tokens   calls left at the moment ``at``; below zero: a debt of one call that cost more
    wait     seconds until the last call would be admitted; 0: it was
    """

    client = models.OneToOneField(
        SystemClient, on_delete=models.CASCADE, primary_key=True, related_name="bucket"
    )
    tokens = models.FloatField()
    at = models.DateTimeField()
    wait = models.FloatField()

    def __str__(self) -> str:
        return f"{self.client_id}: {self.tokens}"
