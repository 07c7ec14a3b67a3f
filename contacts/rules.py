"""The contact rules as they stood at a version: read once, held in memory, never changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Max

from accounts.models import Level

from .body import Said
from .limits import ContactRules
from .models import ContactPolicyVersion

HELD_VERSIONS = 64


@dataclass(frozen=True)
class ContactRulebook:
    """The rules of every city at one version; a city that said nothing has the province's."""

    version: int
    province: ContactRules
    cities: Mapping[str, ContactRules]

    def of(self, city: str) -> ContactRules:
        return self.cities.get(city, self.province)


def newest_version() -> int:
    """The version that holds now: the id of the newest row of any organisation; 0: none yet."""
    return ContactPolicyVersion.objects.aggregate(newest=Max("id"))["newest"] or 0


def rules_at(version: int) -> ContactRulebook:
    """What held when ``version`` was the newest: of each organisation its newest row up to it."""
    return _rules_at(version, settings.TIME_ZONE)


@lru_cache(HELD_VERSIONS)
def _rules_at(version: int, zone_name: str) -> ContactRulebook:
    zone = ZoneInfo(zone_name)
    rows = ContactPolicyVersion.objects.filter(id__lte=version).newest()
    rows = rows.select_related("organisation")
    said = {row.organisation: Said.read(row.body) for row in rows}
    province = next((s for o, s in said.items() if o.level == Level.PROVINCE), Said())
    cities = {
        o.code: ContactRules(province.limits + s.limits, province.quiet_hours + s.quiet_hours, zone)
        for o, s in said.items()
        if o.level == Level.CITY
    }
    common = ContactRules(province.limits, province.quiet_hours, zone)
    return ContactRulebook(version, common, cities)
