"""Things that hold something until they are closed."""

from types import TracebackType
from typing import Self


class Closing:
    """A context manager that closes itself in the end, however that comes."""

    def close(self) -> None:
        """Let go of everything that is held; safe to call twice."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
