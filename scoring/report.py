"""What a version's page shows: its report as JSON, put into names, tables and small charts."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import User
from customers.models import Type

from . import charts
from .charts import Chart
from .defined import Band, Line, bands, defined
from .figures import facts, short, why
from .kinds import KINDS
from .learning.reasons import Reason
from .models import ModelVersion
from .report_names import Wording
from .stages import Stage, stages_of_version

Told = dict[str, Any]

VERDICTS = {
    "better": gettext_noop("better than the version in use"),
    "worse": gettext_noop("worse than the version in use"),
    "no difference shown": gettext_noop("no difference to the version in use is shown"),
}
CHOSEN = {
    "separation": gettext_noop("where it separates the two outcomes most (KS)"),
    "share": gettext_noop("so that the share that the definition names is called"),
    "cut": gettext_noop("as it was given"),
}
# What became of a candidate of a propensity model.
FATES = {
    "all_null": gettext_noop("unknown of everybody"),
    "constant": gettext_noop("the same for everybody"),
    "iv_low": gettext_noop("tells no more than chance"),
    "correlated": gettext_noop("says the same as another"),
    "unstable": gettext_noop("is not chosen again in other samples"),
    "wrong_sign": gettext_noop("would count against its own direction beside the others"),
    "beyond_most": gettext_noop("enough others weigh more"),
}
CURVE_ROWS = 11


@dataclass(frozen=True)
class Dependence:
    """One attribute's partial dependence: drawn, and as rows of (value, step)."""

    name: str
    n: int
    chart: Chart
    rows: list[tuple[str, Told]]


@dataclass(frozen=True)
class Scored:
    """One attribute of a scorecard: the driver, and its bins as (sentence, points)."""

    name: str
    driver: Told
    bins: list[tuple[str, Told]]


class Report:
    """The report of a version as one reader sees it: of cities only his own (law 8)."""

    def __init__(self, version: ModelVersion, user: User) -> None:
        self.version = version
        self.user = user
        self.names = Wording()
        self.told: Told = version.report

    # --- every kind ---

    @property
    def partial(self) -> str | None:
        """The template of what only this kind of model tells; None: it tells nothing."""
        if not self.told:
            return None
        template = f"scoring/reports/{self.version.model.kind}.html"
        try:
            get_template(template)
        except TemplateDoesNotExist:
            return None
        return template

    @property
    def kind(self) -> str:
        return str(KINDS[self.version.model.kind].name)

    @property
    def held_out(self) -> bool:
        """Whether its figures are of customers that took no part in learning."""
        return bool(KINDS[self.version.model.kind].outcome)

    @property
    def scores(self) -> bool:
        """Whether it writes anything of a customer that could drift from day to day."""
        return bool(KINDS[self.version.model.kind].writes(self.version.definition))

    @property
    def metrics(self) -> list[tuple[str, str]]:
        return list(facts(self.version.metrics, self.names))

    @property
    def lines(self) -> list[Line]:
        """The definition it was fitted from."""
        return defined(self.version.model, self.version.definition, self.names)

    @property
    def bands(self) -> list[Band]:
        return bands(self.version.definition, self.names)

    @property
    def reads(self) -> list[str]:
        return self.names.attributes(self.version.definition.get("reads", []))

    @property
    def unused(self) -> list[str]:
        """What was looked at and is not read, of a kind that says so."""
        return self.names.attributes(self.told.get("unused", []))

    @property
    def data(self) -> list[tuple[str, str]]:
        told = dict(self.told.get("data", {}))
        addresses = told.pop("snapshots", []) or self.version.trained_on.split("; ")
        snapshots = ", ".join(_snapshot(address) for address in addresses)
        suspects = told.pop("suspects", [])
        lines = [(_("snapshots"), snapshots), *facts(told, self.names)]
        if suspects:
            lines += facts({"suspects": suspects}, self.names)
        return lines

    @property
    def made_of(self) -> str:
        """Of how many customers it is; "" of a version that does not know how many there were."""
        told = self.told.get("data", {})
        if "in_snapshots" not in told:
            return ""
        text = _("Made from %(n)s of the %(all)s customers in the snapshots.")
        return text % {"n": short(told["rows"]), "all": short(told["in_snapshots"])}

    @property
    def sample(self) -> str:
        """That its counts and sums are not those of everybody; "" where they are."""
        told = self.told.get("data", {})
        if "read" not in told:
            return ""
        text = _(
            "A sample: %(read)s of the %(all)s customers in the snapshots were read. Counts and "
            "sums are those of the sample."
        )
        return text % {"read": short(told["read"]), "all": short(told["in_snapshots"])}

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """The plain ones; lists and tables are shown by what they describe."""
        told = self.told.get("parameters", {})
        return [(n, self._parameter(v)) for n, v in told.items() if not isinstance(v, dict | list)]

    def _parameter(self, value: Any) -> str:
        return self.names.attribute(value) if isinstance(value, str) and value else short(value)

    @property
    def stages(self) -> list[Stage]:
        return stages_of_version(self.version, self.names)

    @property
    def champion(self) -> Told | None:
        """How it did beside the version then in use, on rows that neither had seen."""
        told = self.told.get("champion")
        if told is None:
            return None
        if "not_comparable" in told:
            return told | {"why": why(told["not_comparable"])}
        return told | {"words": _(VERDICTS[told["verdict"]])}

    # --- models of an outcome ---

    @property
    def evaluation(self) -> Told | None:
        return self.told.get("evaluation")

    @cached_property
    def _found(self) -> Told:
        return self.told["evaluation"]  # type: ignore[no-any-return]

    @property
    def roc(self) -> Chart:
        return charts.roc(
            self._found["curve"], _("ROC curve"), _("others called"), _("positives found")
        )

    @property
    def curve_rows(self) -> list[Told]:
        """Some points of the curve, from its beginning to its end."""
        curve = self._found["curve"]
        last = len(curve) - 1
        places = {round(i * last / (CURVE_ROWS - 1)) for i in range(CURVE_ROWS)}
        return [curve[place] for place in sorted(places)]

    @property
    def gain(self) -> Chart:
        return charts.gain(
            self._found["tenths"], _("Gain"), _("customers called"), _("positives found")
        )

    @property
    def lift(self) -> Chart:
        return charts.lift(
            self._found["tenths"], _("Lift by tenth"), _("tenth by score"), _("lift")
        )

    @property
    def calibration(self) -> Told:
        told: Told = self._found["calibration"]
        return told | {"why": why(told["not_estimable"])} if told["not_estimable"] else told

    @property
    def calibration_chart(self) -> Chart:
        return charts.calibration(
            self._found["calibration"]["tenths"], _("Calibration"), _("foretold"), _("what came")
        )

    @property
    def confusion(self) -> Told:
        told: Told = self._found["confusion"]
        return told | {"why": _(CHOSEN[told["chosen"]])}

    @property
    def by_city(self) -> list[Told]:
        """The reader's cities; customers of no known city are the province's to see."""
        groups = self._found["groups"].get("city", [])
        seen = [g for g in groups if self.user.cities is None or g["group"] in self.user.cities]
        return [g | {"name": self.names.city(g["group"])} for g in seen]

    @property
    def by_age(self) -> list[Told]:
        groups = self._found["groups"].get("age", [])
        # "<25" comes before "25–34"; the unknown stay last.
        ordered = sorted(groups, key=lambda g: not g["group"].startswith("<"))
        return [g | {"name": g["group"] or _("unknown")} for g in ordered]

    @property
    def drivers(self) -> list[Told]:
        """With names; ``share``: of the strongest one's strength."""
        told = self.told.get("drivers", [])
        most = max((abs(d["strength"] or 0.0) for d in told), default=0.0) or 1.0
        return [
            d
            | {
                "name": self.names.attribute(d["attribute"]),
                "share": abs(d["strength"] or 0.0) / most,
            }
            for d in told
        ]

    @property
    def odds_told(self) -> bool:
        """Whether the drivers say more than how strong they are."""
        return any("odds" in d for d in self.told.get("drivers", []))

    @property
    def dependence(self) -> Iterator[Dependence]:
        for one in self.told.get("dependence", []):
            name = self.names.attribute(one["attribute"])
            texts = [self._step(one["attribute"], step) for step in one["steps"]]
            unit = self.names.unit(one["attribute"])
            along = f"{name} ({unit})" if unit else name
            chart = charts.dependence(one["steps"], texts, name, along, _("mean score"))
            rows = list(zip(texts, one["steps"], strict=True))
            yield Dependence(name, one["n"], chart, rows)

    def _step(self, attribute: str, step: Told) -> str:
        if step["number"] is not None:
            if self.names.type(attribute) == Type.BOOLEAN:
                return _("yes") if step["number"] > 0 else _("no")
            return self.names.amount(attribute, step["number"])
        return _("unknown") if step["code"] is None else self.names.value(attribute, step["code"])

    # --- propensity ---

    @property
    def scorecard(self) -> Iterator[Scored]:
        for driver in self.told.get("drivers", []):
            if "bins" in driver:
                bins = [(self._bin(driver["attribute"], b), b) for b in driver["bins"] if b["rows"]]
                yield Scored(self.names.attribute(driver["attribute"]), driver, bins)

    def _bin(self, attribute: str, told: Told) -> str:
        return self.names.range(
            Reason(
                attribute,
                low=float("-inf") if told["low"] is None else told["low"],
                high=float("inf") if told["high"] is None else told["high"],
                codes=tuple(told["codes"]),
                missing=told["missing"],
            )
        )

    @cached_property
    def candidates(self) -> list[Told]:
        """What became of each candidate: the used first, then by information value."""
        told = self.told.get("candidates", [])
        ordered = sorted(told, key=lambda c: (c["dropped"] is not None, -(c["value"] or 0.0)))
        return [
            c
            | {
                "name": self.names.attribute(c["attribute"]),
                "fate": _(FATES[c["dropped"]]) if c["dropped"] else _("used"),
                "twin": self.names.attribute(c["like"]) if c["like"] else "",
            }
            for c in ordered
        ]

    @property
    def fates(self) -> list[tuple[str, int]]:
        """How many candidates came to what."""
        return Counter(c["fate"] for c in self.candidates).most_common()


def _snapshot(address: str) -> str:
    """``customers/2026-06-01/df6e948982e8971a73e8`` as its day and enough of its key."""
    _dataset, day, key = address.split("/") if address.count("/") == 2 else ("", address, "")
    return f"{day} ({key[:8]})" if key else day
