"""Definitions of a stated size: as many as asked for, and rules that compile."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from rules import compile_condition, compile_number
from sample.bench_definitions import write_definitions
from tests.sample.catalogue import catalogue


def read(folder: Path) -> dict[str, list[dict]]:
    documents = {f.stem: yaml.safe_load(f.read_text(encoding="utf-8")) for f in folder.iterdir()}
    return {name: document[name] for name, document in documents.items()}


def test_there_are_as_many_as_asked_for(tmp_path: Path) -> None:
    write_definitions(tmp_path, policies=60, campaigns=20, cells=8_000)
    documents = read(tmp_path)
    assert len(documents["policies"]) == 60
    assert len(documents["campaigns"]) == 20
    assert len(documents["marketing"]) == 600
    for matrix in documents["matrices"]:
        cells = np.prod([len(d["bands"]) + 1 for d in matrix["dimensions"]])
        assert 8_000 <= cells < 9_500
        kinds = [d["kind"] for d in matrix["dimensions"]]
        assert kinds == ["quantiles", "thresholds", "thresholds"]
        assert sum(b["share"] for b in matrix["dimensions"][0]["bands"]) == pytest.approx(1)
        assert all(d["city_cuts"] for d in matrix["dimensions"][1:])


def test_marketing_names_what_exists(tmp_path: Path) -> None:
    write_definitions(tmp_path, policies=30, campaigns=4, cells=100)
    documents = read(tmp_path)
    assert {r["policy"] for r in documents["marketing"]} == {
        p["number"] for p in documents["policies"]
    }
    assert {r["campaign"] for r in documents["marketing"]} == {
        c["code"] for c in documents["campaigns"]
    }
    codes = {
        m["code"]: {d["code"]: {b["code"] for b in d["bands"]} for d in m["dimensions"]}
        for m in documents["matrices"]
    }
    for row in documents["marketing"]:
        for dimension, bands in row["cells"].items():
            assert set(bands) <= codes[row["matrix"]][dimension]


def test_no_row_is_written_twice(tmp_path: Path) -> None:
    write_definitions(tmp_path, policies=20, campaigns=1, cells=8)
    rows = [str(row) for row in read(tmp_path)["marketing"]]
    assert len(rows) == len(set(rows)) > 100


def test_rules_compile(tmp_path: Path) -> None:
    write_definitions(tmp_path, policies=25, campaigns=2, cells=8)
    documents = read(tmp_path)
    for policy in documents["policies"]:
        compile_condition(policy["eligibility"], catalogue())
        compile_number(policy["take_up"], catalogue())
    for rule in documents["priority"]:
        compile_condition(rule["condition"], catalogue())


def test_same_figures_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_definitions(tmp_path / name, policies=5, campaigns=2, cells=50)
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()


def test_impossible_sizes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 1 policy"):
        write_definitions(tmp_path, policies=0, campaigns=1, cells=8)
