"""What an interrupted fit had finished, in a file: whoever takes it up needn't do it again."""

import hmac
import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings

from .registry import signature_of

State = dict[str, Any]

KEPT_DAYS = 7  # of a training that was cancelled and that nobody has taken up


class Checkpoint:
    """The state of one fit, as JSON has it, signed as model files are."""

    def __init__(self, name: str) -> None:
        self._folder = Path(settings.MODELS_DIR) / "checkpoints"
        self._file = self._folder / f"{name}.json"

    def read(self) -> State | None:
        """Return what was kept last. None: nothing, or nothing that its signature vouches for."""
        try:
            signature, _, content = self._file.read_bytes().partition(b"\n")
        except FileNotFoundError:
            return None
        if not hmac.compare_digest(signature, signature_of(content).encode()):
            return None
        state: State = json.loads(content)
        return state

    def keep(self, state: State) -> None:
        """Put ``state`` in the place of what was kept before, whole."""
        content = json.dumps(state, allow_nan=False).encode()
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = self._file.with_suffix(f".{uuid4().hex}.draft")
        draft.write_bytes(signature_of(content).encode() + b"\n" + content)
        draft.replace(self._file)

    def forget(self) -> None:
        """Remove it, and what others left too long ago."""
        limit = time.time() - KEPT_DAYS * 24 * 3600
        for file in self._folder.glob("*"):
            with suppress(FileNotFoundError):  # another training forgot it meanwhile
                if file.name.startswith(f"{self._file.stem}.") or file.stat().st_mtime < limit:
                    file.unlink()
