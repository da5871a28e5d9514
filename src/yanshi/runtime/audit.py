"""Read back who intervened in a run, from its log."""

import struct
from pathlib import Path

from mcap.exceptions import McapError
from mcap.records import Channel, Message
from mcap.stream_reader import CRCValidationError, StreamReader
from zstandard import ZstdError

from yanshi.core.errors import ConfigError

AUDIT = "/audit"
"""The topic that holds a log's chain of interventions; see `safety/chain.py`."""
AUDITED = ("heard", "fault", "lease", "go_on", "down", "up")
"""Events that go into it."""


def read_audit(path: Path) -> list[bytes]:
    """Return the records of a log's chain as they stand there, as far as it can be read.

    Raises:
        ConfigError: It is no log, or has no chain.
    """
    channels: dict[int, str] = {}
    records: list[bytes] = []
    try:
        with path.open("rb") as stream:
            for record in StreamReader(stream, validate_crcs=True).records:
                if isinstance(record, Channel):
                    channels[record.id] = record.topic
                elif isinstance(record, Message) and channels.get(record.channel_id) == AUDIT:
                    records.append(record.data)
    except OSError as error:
        raise ConfigError(
            f"The log {path} cannot be read: {error.strerror}. Name a file that `--record` wrote.",
            zh=f"无法读取日志 {path}：{error.strerror}。请给出 --record 写的文件。",
        ) from error
    except (McapError, CRCValidationError, ZstdError, struct.error, ValueError):
        pass  # Damaged, or cut off in the middle of a record: the chain breaks off there.
    if AUDIT not in channels.values():
        raise ConfigError(
            f"{path} holds no chain of interventions. Name a log that `yanshi run --record` or "
            "`yanshi chat --record` wrote.",
            zh=f"{path} 里没有干预记录链。请给出 yanshi run --record 或 yanshi chat --record "
            "写的日志。",
        )
    return records
