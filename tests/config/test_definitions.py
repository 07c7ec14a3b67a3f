"""A directory of definitions is loaded whole or refused whole, with file and line."""

import json
from datetime import date
from pathlib import Path

import jsonschema
import pytest
from django.core.management import CommandError, call_command
from django.utils import translation

from accounts.models import Organisation
from campaigns.models import Policy, PolicyVersion
from campaigns.plan import compile_plan
from common import yaml_source
from common.errors import DomainError
from config import definitions
from customers.models import Attribute
from segmentation.models import MatrixVersion

ROOT = Path(__file__).resolve().parents[2]
DIRECTORIES = [
    ROOT / "definitions" / "sample_province",
    ROOT / "examples" / "ibm_telco" / "definitions",
]

SCOPE = "  scope: tenur > 1\n  dimensions:\n  - code: value"
RULED = (
    "  - {code: ruled, name: {zh: 规则, en: ruled}, kind: rules, bands: ["
    "{code: a, name: {zh: 甲, en: a}, rule: tenure >}, {code: b, name: {zh: 乙, en: b}, else: true}"
    "]}\n"
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A copy of the IBM example, to break."""
    for file in DIRECTORIES[1].glob("*.yaml"):
        (tmp_path / file.name).write_text(file.read_text())
    return tmp_path


def edit(directory: Path, name: str, old: str, new: str) -> int:
    """Replace ``old`` in a file; return the line it stood on."""
    file = directory / f"{name}.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    return text[: text.index(old)].count("\n") + 1


@pytest.mark.parametrize("directory", DIRECTORIES, ids=lambda d: d.parent.name)
def test_loading_twice_changes_nothing(directory: Path) -> None:
    assert all(c.added for c in definitions.load(directory, by="test").values())
    versions = (PolicyVersion.objects.count(), MatrixVersion.objects.count())
    assert not any(c.any for c in definitions.load(directory, by="test").values())
    assert versions == (PolicyVersion.objects.count(), MatrixVersion.objects.count())


@pytest.mark.parametrize("directory", DIRECTORIES, ids=lambda d: d.parent.name)
def test_exporting_then_loading_changes_nothing(directory: Path, tmp_path: Path) -> None:
    definitions.load(directory, by="test")
    definitions.export(tmp_path)
    assert not any(c.any for c in definitions.load(tmp_path, by="test").values())


@pytest.mark.parametrize("directory", DIRECTORIES, ids=lambda d: d.parent.name)
def test_the_files_meet_the_published_schema(directory: Path) -> None:
    schema = json.loads((ROOT / "docs" / "definitions.schema.json").read_text())
    whole: dict = {}
    for file in directory.glob("*.yaml"):
        whole |= yaml_source.read(file).value
    jsonschema.validate(whole, schema)


def test_the_published_schema_is_the_one_in_the_code() -> None:
    published = json.loads((ROOT / "docs" / "definitions.schema.json").read_text())
    assert published == json.loads(json.dumps(definitions.json_schema())), (
        "docs/definitions.schema.json is stale: manage.py export_definitions --schema <it>"
    )


def test_a_fault_in_the_last_file_leaves_nothing_of_the_first(small: Path) -> None:
    line = edit(small, "priority", "movement_grade = 'moving'", "movement_grade = 'leaping'")
    with pytest.raises(DomainError) as refusal:
        definitions.load(small, by="test")
    assert f"priority.yaml line {line}" in refusal.value.message
    assert "leaping" in refusal.value.message
    assert not Organisation.objects.exists()
    assert not Attribute.objects.exists()
    assert not Policy.objects.exists()


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("policies", "eligibility: tenure >= 66", "eligibility: tenur >= 66", "tenure"),
        ("policies", "take_up: 0.16", "take_up: contract", "number"),
        ("policies", "channels: [front_desk", "channels: [front_dask", "front_dask"),
        ("marketing", "matrix: retention", "matrix: retentoin", "retentoin"),
        ("marketing", "movement: [moving]", "movement: [movign]", "movign"),
        ("matrices", "from: 35, to: 80", "from: 35, to: 90", "both"),
        ("matrices", "attribute: monthly_charge", "attribute: monthly_chrage", "monthly_chrage"),
        ("sources", "Los Angeles: los-angeles", "Los Angeles: los-angles", "los-angles"),
        ("models", "label: churned", "label: tenure", "label"),
        ("campaigns", "organisation: california", "organisation: calfornia", "calfornia"),
        ("attributes", "category: basic", "category: basics", "basics"),
        ("organisation", "code: fresno", "code: Fresno!", "Fresno!"),
        # Wherever a rule is written, what is none is told as such.
        ("policies", "eligibility: tenure >= 66", "eligibility: tenure ＞ 66", "Write >"),
        ("policies", "take_up: 0.16", "take_up: 1e999", "1e999"),
        ("priority", "condition: contract", f"condition: {'(' * 3000}contract", "nest"),
        ("matrices", "  dimensions:\n  - code: value", SCOPE, "tenur"),
        ("matrices", "  - code: movement", RULED + "  - code: movement", "too early"),
    ],
)
def test_each_fault_names_its_file_line_and_what_is_wrong(
    small: Path, name: str, old: str, new: str, words: str
) -> None:
    line = edit(small, name, old, new)
    with pytest.raises(DomainError) as refusal:
        definitions.load(small, by="test")
    assert f"{name}.yaml line {line}" in refusal.value.message
    assert words in refusal.value.message
    assert not Organisation.objects.exists()


def test_all_faults_of_form_are_told_at_once(small: Path) -> None:
    edit(small, "policies", "cost: 10", "cost: ten")
    edit(small, "campaigns", "lever: 1.5", "lever: much")
    with pytest.raises(DomainError) as refusal:
        definitions.load(small, by="test")
    assert len(refusal.value.extra["problems"]) == 2


def test_where_the_faults_are_is_said_in_the_reader_s_language(small: Path) -> None:
    line = edit(small, "policies", "cost: 10", "cost: ten")
    with translation.override("zh-hans"), pytest.raises(DomainError) as refusal:
        definitions.load(small, by="test")
    assert f"policies.yaml 第 {line} 行：policies[0].cost：" in refusal.value.message


def test_a_rule_that_a_later_catalogue_breaks_is_named_when_a_day_is_asked_for(small: Path) -> None:
    definitions.load(small, by="test")
    edit(small, "attributes", "{code: monthly, ", "{code: by_month, ")
    alone = small / "alone"
    alone.mkdir()
    (small / "attributes.yaml").rename(alone / "attributes.yaml")
    definitions.load(alone, by="test")
    with pytest.raises(DomainError, match="contract = 'monthly'") as refusal:
        compile_plan(date(2026, 7, 1), list(MatrixVersion.objects.published()))
    assert (refusal.value.code, refusal.value.status) == ("stale_rule", 409)


def test_a_changed_policy_is_a_new_version_and_the_old_one_stays(small: Path) -> None:
    definitions.load(small, by="test")
    edit(small, "policies", "cost: 10", "cost: 12")
    changes = definitions.load(small, by="test")
    assert changes["policies"].changed == ["IBM-A"]
    costs = PolicyVersion.objects.filter(policy="IBM-A").order_by("number")
    assert [float(v.cost) for v in costs] == [10, 12]


def test_a_misspelt_file_name_is_refused_with_the_nearest(small: Path) -> None:
    (small / "polices.yaml").write_text("polices: []\n")
    with pytest.raises(DomainError, match=r"Did you mean policies\.yaml"):
        definitions.load(small, by="test")


def test_an_empty_or_absent_directory_is_refused(tmp_path: Path) -> None:
    for directory in (tmp_path, tmp_path / "absent"):
        with pytest.raises(DomainError):
            definitions.load(directory, by="test")


def test_the_command_fails_with_the_message_and_not_a_traceback(small: Path) -> None:
    edit(small, "policies", "cost: 10", "cost: ten")
    with pytest.raises(CommandError, match=r"policies\.yaml line"):
        call_command("load_definitions", str(small))
