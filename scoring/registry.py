"""Model files: written by skops, signed, and read only if signature and types are known."""

import hashlib
import hmac
from pathlib import Path
from typing import Any

import skops.io
from django.conf import settings
from django.utils.translation import gettext as _

from common.errors import DomainError

# Every type that a model file may hold beside what skops trusts by itself: those of scikit-learn
# that our methods keep, and our methods' own.
TRUSTED = ("sklearn.tree._tree.Tree",)
OWN = "scoring.learning."


def save(estimator: Any, name: str) -> tuple[str, str]:
    """Write a fitted scikit-learn estimator; return (file name in MODELS_DIR, signature)."""
    content = skops.io.dumps(estimator)
    folder = Path(settings.MODELS_DIR)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.skops"
    draft = file.with_suffix(".draft")
    draft.write_bytes(content)
    draft.replace(file)
    return file.name, signature_of(content)


def load(file: str, signature: str) -> Any:
    """Read an estimator; refuse a file that is missing, was changed, or holds an unknown type."""
    path = Path(settings.MODELS_DIR) / file
    if not path.is_file():
        raise DomainError(
            "model_file_missing",
            _(
                "Model file %(file)s is missing from MODELS_DIR: "
                "restore it or train the model again."
            )
            % {"file": file},
        )
    content = path.read_bytes()
    if not hmac.compare_digest(signature_of(content), signature):
        raise DomainError(
            "model_file_changed",
            _(
                "Model file %(file)s does not fit the signature of its registry entry, "
                "so it is not read: restore the original or train the model again."
            )
            % {"file": file},
        )
    named = skops.io.get_untrusted_types(data=content)
    unknown = sorted(name for name in named if name not in TRUSTED and not name.startswith(OWN))
    if unknown:
        raise DomainError(
            "model_file_untrusted",
            _("Model file %(file)s holds types that are not trusted: %(types)s.")
            % {"file": file, "types": ", ".join(unknown)},
        )
    return skops.io.loads(content, trusted=named)


def signature_of(content: bytes) -> str:
    """What proves that these bytes were written here."""
    return hmac.new(settings.SECRET_KEY.encode(), content, hashlib.sha256).hexdigest()
