"""Files that are whole or not there."""

import os
from contextlib import suppress
from pathlib import Path

from yanshi.core.errors import ConfigError


def write_whole(path: Path, content: str | bytes) -> None:
    """Write `content` to `path`, replacing what was there only when all of it is on disk.

    Raises:
        ConfigError: The file cannot be written; what was there before is still there.
    """
    partial = path.with_name(path.name + ".partial")
    data = content.encode("utf8") if isinstance(content, str) else content
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # Else a power cut may leave the new name with no content.
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink()
        raise ConfigError(
            f"{path} could not be written: {error.strerror}. "
            "Name a file in a folder that exists and has room.",
            zh=f"无法写入 {path}：{error.strerror}。请换一个存在且有空间的文件夹。",
        ) from error
