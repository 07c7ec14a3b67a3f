"""Content keys: a partition, a run or a plan is named by what it was made from."""

import hashlib
import json
from typing import Any


def key_of(*parts: Any) -> str:
    """Return 20 hex digits that depend on the values of ``parts`` and on nothing else.

    Parts are plain JSON values; mappings are ordered by their names, so two equal mappings have one
    key. 80 bits: among a million keys a collision has a chance of about 4e-13.
    """
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:20]
