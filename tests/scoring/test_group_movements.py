"""Who moved between groups is counted once a day, reconciles, and is shown within the walls."""

from collections import Counter
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.test import Client
from django.urls import reverse

from common.errors import DomainError
from jobs.models import Run, State
from lake import partitions
from lake.models import Partition
from scoring.group_movements import Side, group_movements, movement_days, read_movements
from scoring.models import Model, ModelDay, ModelVersion
from tests.accounts.people import make_province, make_user
from tests.portal.settings import page_settings as page_settings

pytestmark = pytest.mark.django_db
DAY = date(2026, 6, 2)
BEFORE = DAY - timedelta(days=1)
CITIES = ["hangzhou", "ningbo"]
NAMES = {"g1": "calls", "g2": "traffic"}
Customers = dict[str, tuple[str, str | None, str | None]]


def quiet(done: int, total: int) -> None:
    return None


def version(code: str, number: int = 1) -> ModelVersion:
    model, _new = Model.objects.get_or_create(
        code=code,
        defaults={"name_zh": code, "name_en": code, "kind": "behaviour_groups"}
        | {"definition": {"output": f"{code}_group", "features": []}},
    )
    named = [
        {"code": c, "name": {"words": [[a, None, "high"]], "value": None, "number": None}}
        for c, a in NAMES.items()
    ]
    return ModelVersion.objects.create(
        model=model,
        number=number,
        definition=model.definition,
        report={"profiles": {"groups": named}},
        state="published" if number == 1 else "replaced",
    )


def written(day: date, customers: Customers, parts: int = 2, key: str = "k") -> Side:
    """Scores of two models and the cities of these customers, as the day writes them."""
    numbers = sorted(customers)
    slices = [[n for n in numbers if int(n) % parts == part] for part in range(parts)]
    sides = []
    for dataset, columns in (
        ("scores", {"gotone_group": 1, "mzone_group": 2}),
        ("cells", {"city": 0}),
    ):
        with partitions.writing(dataset, day, key, parts=parts) as draft:
            for part, mine in enumerate(slices):
                table = {
                    name: pa.array([customers[n][at] for n in mine], pa.string())
                    for name, at in columns.items()
                }
                pq.write_table(pa.table({"customer_no": mine} | table), draft.file(part))
            nulls = {n: sum(c[at] is None for c in customers.values()) for n, at in columns.items()}
            draft.facts = {"customers": len(customers), "nulls": nulls}
        assert draft.partition is not None
        sides.append(draft.partition)
    return Side(*sides)


def people(seed: int, rows: int = 400) -> Customers:
    rng = np.random.default_rng(seed)
    here = [n for n in range(rows) if rng.random() < 0.9]
    return {
        f"{n:05d}": (
            str(rng.choice(CITIES)),
            *(None if g == 0 else f"g{g}" for g in rng.integers(0, 4, 2).tolist()),
        )
        for n in here
    }


def reference(today: Customers, before: Customers, place: int) -> Counter[Any]:
    found: Counter[Any] = Counter()
    for n in {*today, *before}:
        old, new = (None if n not in d else d[n][place] or "" for d in (before, today))
        if old or new:
            found[(today if n in today else before)[n][0], old, new] += 1
    return found


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("parts", [2, 3])
def test_the_engine_counts_as_one_would_by_hand(seed: int, parts: int) -> None:
    before, today = people(seed), people(seed + 50)
    versions = [version("gotone"), version("mzone")]
    made = group_movements(
        written(DAY, today, parts), written(BEFORE, before), versions, progress=quiet
    )
    for place, model in enumerate(("gotone", "mzone"), 1):
        rows = read_movements(made, model, None)
        counted = {(r["city"], r["before"], r["after"]): r["customers"] for r in rows}
        assert counted == reference(today, before, place)
        one_city = read_movements(made, model, frozenset(["ningbo"]))
        assert one_city == [r for r in rows if r["city"] == "ningbo"]
    assert made.facts == {"since": str(BEFORE), "models": {"gotone": 1, "mzone": 1}}


def test_the_same_day_is_counted_once() -> None:
    versions = [version("gotone")]
    sides = written(DAY, people(1)), written(BEFORE, people(2))
    first = group_movements(*sides, versions, progress=quiet)
    assert group_movements(*sides, versions, progress=quiet) == first


def test_the_first_day_has_no_movement() -> None:
    made = group_movements(written(DAY, people(1)), None, [version("gotone")], progress=quiet)
    assert (made.rows, made.facts["since"]) == (0, None)


def test_a_model_that_did_not_group_yesterday_does_not_move() -> None:
    today, before = written(DAY, people(1)), written(BEFORE, people(2))
    versions = [version("gotone"), version("easyown")]
    made = group_movements(today, before, versions, progress=quiet)
    assert list(made.facts["models"]) == ["gotone"]


def test_counts_that_do_not_reconcile_are_refused() -> None:
    today, before = written(DAY, people(1)), written(BEFORE, people(2))
    Partition.objects.filter(pk=before.scores.pk).update(
        facts={"customers": 10_000, "nulls": {"gotone_group": 0}}
    )
    before.scores.refresh_from_db()
    with pytest.raises(DomainError) as refusal:
        group_movements(today, before, [version("gotone")], progress=quiet)
    assert refusal.value.code == "groups_do_not_reconcile"
    assert not Partition.objects.filter(dataset="group_movements").exists()


# --- the page ---

STAY = {f"{n:05d}": ("hangzhou", "g1", None) for n in range(80)}
MOVE = {f"{n:05d}": ("ningbo", "g1", None) for n in range(80, 100)}


@pytest.fixture
def moved(page_settings: None) -> Partition:
    """80 stay in g1 at Hangzhou; at Ningbo 20 go from g1 to g2, 5 leave and 7 are new."""
    make_province()
    gone = {f"{n:05d}": ("ningbo", "g2", None) for n in range(200, 205)}
    new = {f"{n:05d}": ("ningbo", "g2", None) for n in range(300, 307)}
    now = {n: (c[0], "g2", None) for n, c in MOVE.items()}
    return of_run(
        group_movements(
            written(DAY, STAY | now | new),
            written(BEFORE, STAY | MOVE | gone),
            [version("gotone")],
            progress=quiet,
        )
    )


def of_run(made: Partition, *, number: int = 1, state: str = State.DONE) -> Partition:
    """The partition as a run's, whose publishing is in this state."""
    run = Run.objects.create(
        kind="day", business_date=made.business_date, number=number, key=made.key, inputs={}
    )
    output = {"group_movements": made.pk}
    run.steps.create(position=0, name="assign", state=State.DONE, output=output)
    run.steps.create(position=1, name="publish", state=state)
    return made


@pytest.fixture
def see(client: Client) -> Any:
    def open_(organisation: str = "zhejiang", name: str = "model-movement", **query: str) -> str:
        user = make_user("auditor", organisation, username=f"of-{organisation}-{name}")
        client.force_login(user)
        client.cookies["django_language"] = "en"
        answer = client.get(reverse(name, args=["gotone"]), query)
        content = b"".join(answer) if answer.streaming else answer.content
        text = content.decode().replace("\u202f%", "%")
        return f"{answer.status_code} " + " ".join(text.split())

    return open_


def test_the_page_tells_who_stayed_moved_came_and_left(moved: Partition, see: Any) -> None:
    page = see()
    assert "20.0% (13.3% … 28.9%) of 100 in a group on both days" in page
    assert "5 left the groups" in page
    assert '80 <div class="small">80.0%</div>' in page
    assert "80.0% (71.1% … 86.7%)" in page
    assert "share that stayed, by group" in page


def test_a_city_sees_its_own_customers_alone(moved: Partition, see: Any) -> None:
    page = see("hangzhou")
    assert "0.0% (0.0% … 4.6%) of 80 in a group on both days" in page
    assert ">20<" not in page
    assert "the whole province" not in page


def test_another_city_is_not_there(moved: Partition, see: Any) -> None:
    assert see("hangzhou", city="ningbo").startswith("404")


def test_the_file_has_the_same_counts_within_the_same_walls(moved: Partition, see: Any) -> None:
    whole = see(name="model-movement-csv")
    assert f"{DAY},{BEFORE},gotone,Ningbo,g1 calls high,g2 traffic high,20" in whole
    assert whole.count("gotone") == 4
    own = see("hangzhou", name="model-movement-csv")
    assert "80" in own
    assert "ingbo" not in own


def test_without_a_day_the_page_says_when_there_will_be_one(page_settings: None, see: Any) -> None:
    make_province()
    version("gotone")
    assert "No day has been counted yet" in see()


def test_the_first_day_says_so(page_settings: None, see: Any) -> None:
    make_province()
    of_run(group_movements(written(DAY, STAY), None, [version("gotone")], progress=quiet))
    assert "The first day" in see()


def test_what_was_never_published_is_not_shown(moved: Partition, see: Any) -> None:
    again = written(DAY, STAY, key="again")
    used = ModelVersion.objects.get(model="gotone")
    before = written(BEFORE, STAY, key="again")
    counted = group_movements(again, before, [used], progress=quiet)
    of_run(counted, number=2, state=State.FAILED)
    assert movement_days("gotone") == {DAY: moved}


def test_a_new_version_between_the_days_is_told(moved: Partition, see: Any) -> None:
    old = version("gotone", number=2)
    ModelDay.objects.create(version=old, business_date=BEFORE)
    assert "Version 1 took the place of version 2 between the two days" in see()


def test_other_kinds_have_no_movement(moved: Partition, see: Any) -> None:
    Model.objects.update(kind="propensity")
    assert see().startswith("404")


@pytest.mark.parametrize(("day", "status"), [("2026-13-01", "400"), (str(BEFORE), "200")])
def test_a_day_is_one_of_those_counted(moved: Partition, see: Any, day: str, status: str) -> None:
    assert see(date=day).startswith(status)
