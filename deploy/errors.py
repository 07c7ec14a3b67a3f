"""The one error this package raises on purpose."""


class DeployError(Exception):
    """What must hold, what came instead, and what to do about it.

    Kept apart from `common.errors` because the launcher runs before anything is installed.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
