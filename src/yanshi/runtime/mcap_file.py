"""An MCAP file that is whole under its final name, and readable even when the disk fills up.

Everything goes to `NAME.partial`, which gets the final name when it is closed. When a write
fails, the file is cut back to the last whole record and ended there, under the partial name.
"""

import os
from contextlib import suppress
from pathlib import Path

from mcap.data_stream import RecordBuilder
from mcap.records import DataEnd, Footer
from mcap.writer import MCAP0_MAGIC, CompressionType, Writer

from yanshi.core.errors import ConfigError

CHUNK_BYTES = 64 * 1024
"""A chunk is written when it is full. A run's log is about 190 kB a second before compression, so
that a process that is killed loses the last third of one."""


class _Sink:
    """A file that is written without a buffer, so that every failure shows where it happens."""

    def __init__(self, path: Path) -> None:
        self.descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        self.position = 0

    def write(self, data: bytes) -> int:
        view = memoryview(data)
        while view:
            count = os.write(self.descriptor, view)
            self.position += count
            view = view[count:]
        return len(data)

    def tell(self) -> int:
        return self.position

    def cut(self, position: int) -> None:
        os.ftruncate(self.descriptor, position)
        os.lseek(self.descriptor, position, os.SEEK_SET)
        self.position = position

    def close(self) -> None:
        os.close(self.descriptor)


class McapFile:
    """Messages go in by channel; a failing disk ends the file, never the program."""

    def __init__(self, path: Path) -> None:
        """Begin the file as `path` + `.partial`.

        Raises:
            ConfigError: The file cannot be begun.
        """
        self.path = path
        self.partial = path.with_name(path.name + ".partial")
        self.error: OSError | None = None
        """Why nothing more is written; None while all is well."""
        try:
            self._sink = _Sink(self.partial)
            self._writer = Writer(
                self._sink,  # type: ignore[arg-type]
                chunk_size=CHUNK_BYTES,
                compression=CompressionType.ZSTD,
            )
            self._writer.start(profile="", library="yanshi")
        except OSError as error:
            raise ConfigError(
                f"The log {path} cannot be begun: {error.strerror}. "
                "Name a file in a folder that exists and has room."
            ) from error
        self._ends = [self._sink.position]

    def add_channel(
        self, topic: str, encoding: str, schema_name: str, schema_encoding: str, schema: bytes
    ) -> int:
        """Make a channel and return its number."""
        schema_id = self._writer.register_schema(schema_name, schema_encoding, schema)
        return int(self._writer.register_channel(topic, encoding, schema_id))

    def write(self, channel: int, t_ns: int, data: bytes) -> None:
        """Add one message; does nothing once the file has failed."""
        if self.error is not None:
            return
        try:
            self._writer.add_message(channel, log_time=t_ns, data=data, publish_time=t_ns)
        except OSError as error:
            self._give_up(error)
            return
        if self._sink.position != self._ends[-1]:
            self._ends.append(self._sink.position)

    def close(self) -> None:
        """End the file and give it its final name, unless it has failed."""
        if self.error is None:
            try:
                self._writer.finish()  # type: ignore[no-untyped-call]
                os.fsync(self._sink.descriptor)
            except OSError as error:
                self._give_up(error)
        self._sink.close()
        if self.error is None:
            try:
                os.replace(self.partial, self.path)
            except OSError as error:
                self.error = error

    def _give_up(self, error: OSError) -> None:
        """Cut the file back to where it was whole, and end it there."""
        self.error = error
        builder = RecordBuilder()
        DataEnd(0).write(builder)
        Footer(summary_start=0, summary_offset_start=0, summary_crc=0).write(builder)
        ending = builder.end() + MCAP0_MAGIC  # type: ignore[no-untyped-call]
        for position in reversed(self._ends):  # Each cut makes more room for the ending.
            with suppress(OSError):
                self._sink.cut(position)
                self._sink.write(ending)
                return
