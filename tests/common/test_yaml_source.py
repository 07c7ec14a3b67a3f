"""YAML is read with the line of every value, and refused with the line of every fault."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import yaml_source
from common.errors import DomainError

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(PLAIN)
def test_what_was_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, value) -> None:
    file = tmp_path_factory.getbasetemp() / "round.yaml"
    yaml_source.write(file, {"value": value})
    assert yaml_source.read(file).value == {"value": value}


def test_each_value_knows_its_line(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("policies:\n- number: P1\n  valid:\n    from: 2026-01-01\n- number: P2\n")
    source = yaml_source.read(file)
    assert source.value["policies"][0]["valid"]["from"] == "2026-01-01"
    assert source.line(("policies", 0, "valid", "from")) == 4
    assert source.line(("policies", 1, "number")) == 5
    assert source.line(("policies", 1, "absent", "deeper")) == 5


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (b"a: 1\nb: [1, 2\n", 3, "expected"),
        (b"a: 1\na: 2\n", 2, "twice"),
        (b"a: &x [1]\nb: *x\n", 2, "aliases"),
        (b"a: 1\nb: !!python/object:os.system {}\n", 2, "tag"),
        (b"a: \xff\xfe\n", 1, "UTF-8"),
        (b"a: 1\nb: 2026-02-30\n", 2, "day"),
        (b"a: 1\nb: !own y\n", 2, "constructor"),
        (b"[" * 5000, 1, "deep"),
    ],
)
def test_a_fault_names_its_line(tmp_path: Path, text: bytes, line: int, words: str) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(text)
    with pytest.raises(DomainError) as refusal:
        yaml_source.read(file)
    assert refusal.value.code == "bad_yaml"
    assert refusal.value.extra["line"] == line
    assert words in refusal.value.message
