"""Files that were damaged: is it seen before anybody builds on them?"""

import shutil
import tempfile
from io import BytesIO
from pathlib import Path

import numpy as np
from mcap.exceptions import McapError
from mcap.records import Chunk, Message
from mcap.stream_reader import CRCValidationError, StreamReader, breakup_chunk
from zstandard import ZstdError

from yanshi.assets.weights import HOME, check_weights, own_weights
from yanshi.bench.rows import Trial
from yanshi.core.errors import AssetError
from yanshi.runtime.mcap_file import McapFile

FLIPS = 20
"""Logs that are damaged in a trial, each by one bit."""


def damage_weights(k: int) -> Trial:
    """Flip a bit of one of our files of weights, cut it short, and put another in its place."""
    chance = np.random.default_rng([k, 0x663666])
    ours = [str(path) for path in own_weights()]
    path, other = (Path(name) for name in chance.choice(ours, 2, replace=False))
    sound = path.read_bytes()
    flipped = bytearray(sound)
    flipped[int(chance.integers(len(sound)))] ^= 1 << int(chance.integers(8))
    wrong = {
        "a bit flipped": bytes(flipped),
        "cut short": sound[: int(chance.integers(len(sound)))],
        "another's": other.read_bytes(),
    }
    taken = [f"{path.name}: {how}" for how, data in wrong.items() if _is_taken(path, data)]
    return {"taken": taken, "n": len(wrong), "is_sound_taken": _is_taken(path, sound)}


def _is_taken(path: Path, data: bytes) -> bool:
    """Whether these bytes would be loaded in the place of one of our files."""
    with tempfile.TemporaryDirectory(prefix="yanshi-") as folder:
        copy = Path(folder) / path.relative_to(HOME)
        copy.parent.mkdir(parents=True)
        copy.write_bytes(data)
        try:
            check_weights(copy, home=Path(folder))
        except AssetError:
            return False
    return True


def refuses_damage(trial: Trial) -> bool:
    """Whether nothing damaged is loaded, and what is sound is."""
    return not trial["taken"] and bool(trial["is_sound_taken"])


def damage_log(k: int) -> Trial:
    """Flip one bit in one chunk of a log, again and again; tell which chunks are found damaged."""
    chance = np.random.default_rng([k, 0x673367])
    folder = Path(tempfile.mkdtemp(prefix="yanshi-"))
    try:
        log = McapFile(folder / "run.mcap")
        channel = log.add_channel("/state", "json", "s", "jsonschema", b"{}")
        for t in range(3000):
            log.write(channel, t, chance.bytes(100))
        log.close()
        sound = (folder / "run.mcap").read_bytes()
    finally:
        shutil.rmtree(folder)
    chunks = [chunk for chunk in _records(sound) if isinstance(chunk, Chunk)]
    wrong = []
    for _ in range(FLIPS):
        which = int(chance.integers(len(chunks)))
        flipped = bytearray(sound)
        begin = sound.index(chunks[which].data)
        flipped[begin + int(chance.integers(len(chunks[which].data)))] ^= 1 << int(
            chance.integers(8)
        )
        damaged, ticks = read_chunks(bytes(flipped))
        lost = sorted(set(range(3000)) - set(ticks))
        if damaged != [which] or lost != read_chunks(sound, only=which)[1]:
            wrong.append([which, damaged, len(lost)])
    return {"taken": wrong, "n": FLIPS, "chunks": len(chunks)}


def read_chunks(data: bytes, only: int | None = None) -> tuple[list[int], list[int]]:
    """Return which chunks of a log are damaged, and the times of all messages in the others."""
    damaged, ticks = [], []
    chunks = [record for record in _records(data) if isinstance(record, Chunk)]
    for number, chunk in enumerate(chunks):
        if only is not None and number != only:
            continue
        try:
            inside = breakup_chunk(chunk, validate_crc=True)
        except (McapError, CRCValidationError, ZstdError):
            damaged.append(number)
            continue
        ticks += [record.log_time for record in inside if isinstance(record, Message)]
    return damaged, ticks


def _records(data: bytes) -> list[object]:
    return list(StreamReader(BytesIO(data), emit_chunks=True).records)
