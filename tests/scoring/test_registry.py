"""A model file is read only if it is the one that was written, and holds known types only."""

from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from common.errors import DomainError
from scoring import registry

X = np.arange(40.0).reshape(-1, 1)
Y = X[:, 0] > 17


def test_a_saved_tree_predicts_as_before() -> None:
    tree = DecisionTreeClassifier().fit(X, Y)
    file, signature = registry.save(tree, "movement-1")
    again = registry.load(file, signature)
    np.testing.assert_array_equal(again.predict_proba(X), tree.predict_proba(X))


def test_one_changed_byte_is_refused(settings) -> None:
    file, signature = registry.save(DecisionTreeClassifier().fit(X, Y), "movement-1")
    path = Path(settings.MODELS_DIR) / file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DomainError) as refusal:
        registry.load(file, signature)
    assert refusal.value.code == "model_file_changed"


def test_a_file_signed_elsewhere_is_refused(settings) -> None:
    file, signature = registry.save(DecisionTreeClassifier().fit(X, Y), "movement-1")
    settings.SECRET_KEY = "another installation"
    with pytest.raises(DomainError) as refusal:
        registry.load(file, signature)
    assert refusal.value.code == "model_file_changed"


def test_an_unknown_type_is_refused_even_when_signed() -> None:
    class Foreign(SVC):
        pass

    Foreign.__module__, Foreign.__qualname__ = "foreign", "Foreign"
    import sys
    import types

    sys.modules["foreign"] = types.ModuleType("foreign")
    sys.modules["foreign"].Foreign = Foreign
    try:
        file, signature = registry.save(Foreign().fit(X, Y), "movement-1")
        assert skops.io.get_untrusted_types(data=skops.io.dumps(Foreign()))
        with pytest.raises(DomainError) as refusal:
            registry.load(file, signature)
    finally:
        del sys.modules["foreign"]
    assert refusal.value.code == "model_file_untrusted"
    assert "foreign.Foreign" in refusal.value.message


def test_a_missing_file_says_what_to_do() -> None:
    with pytest.raises(DomainError, match="train the model again"):
        registry.load("movement-1.skops", "")
