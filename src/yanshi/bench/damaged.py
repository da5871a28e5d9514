"""Files that were damaged: is it seen before anybody builds on them?"""

import shutil
import tempfile
from dataclasses import replace
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
from yanshi.robots.g1.spec import G1
from yanshi.runtime.audit import AUDIT, AUDITED, read_audit
from yanshi.runtime.mcap_file import McapFile
from yanshi.runtime.recorder import Recorder
from yanshi.safety.chain import Chain, Flaw, find_flaw, read_entry

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


TAMPERS = 40
"""Ways in which a log is changed in a trial."""


def tamper_log(k: int) -> Trial:
    """Edit, remove, move or forge one record of a log's interventions, again and again.

    Each time the whole log is written anew, as one may do with any tool for such files. Tells what
    was not found, or not named rightly; and whether a tail that was forged to the end is found by
    the last hash alone.
    """
    chance = np.random.default_rng([k, 0x673567])
    with tempfile.TemporaryDirectory(prefix="yanshi-") as folder:
        path = Path(folder) / "run.mcap"
        recorder = Recorder(path, G1)
        for t in range(int(chance.integers(3, 30))):
            kind = str(chance.choice(AUDITED))
            recorder.write(AUDIT, t * 20_000_000, (kind, f"{kind} {chance.integers(10**6)}"))
        recorder.close()
        records = read_audit(path)
        missed = ["sound"] if find_flaw(records) is not None else []
        for _ in range(TAMPERS):
            how, changed, flaw = _tamper(records, chance)
            _write_audit(path, changed)
            if find_flaw(read_audit(path)) != flaw:
                missed.append(how)
        forged = _forge(records, int(chance.integers(1, len(records) - 1)))
        _write_audit(path, forged)
        found = read_audit(path)
    last = read_entry(found[-1])
    return {
        "taken": missed,
        "n": TAMPERS,
        "is_forged_tail_whole": find_flaw(found) is None,
        "is_last_hash_kept": last is not None and last.hash == recorder.last_hash,
    }


def finds_tampering(trial: Trial) -> bool:
    """Whether every single change was found, and a forged tail by the last hash."""
    return not trial["taken"] and not trial["is_last_hash_kept"]


def _tamper(
    records: list[bytes], chance: np.random.Generator
) -> tuple[str, list[bytes], Flaw | None]:
    """Change one record; return how, what is left, and what is to be found."""
    how = str(chance.choice(["edit", "rehash", "remove", "swap"]))
    n = int(chance.integers(len(records) - (how == "rehash")))
    before, record, after = records[:n], records[n], records[n + 1 :]
    entry = read_entry(record)
    assert entry is not None
    if how == "edit":
        other = replace(entry, text=f"{entry.text}?").encode()
        return how, [*before, other, *after], Flaw(n, "edited")
    if how == "rehash":
        other = replace(entry, text=f"{entry.text}?").sealed().encode()
        return how, [*before, other, *after], Flaw(n, "edited")
    if how == "remove":
        return how, [*before, *after], Flaw(n, "missing" if after else "cut")
    m = int(chance.choice([i for i in range(len(records)) if i != n]))
    swapped = [*records]
    swapped[n], swapped[m] = swapped[m], swapped[n]
    return how, swapped, Flaw(min(n, m), "moved")


def _forge(records: list[bytes], n: int) -> list[bytes]:
    """Write all records from the n-th on anew, as if it had never been."""
    chain = Chain()
    entries = [read_entry(record) for record in [*records[:n], *records[n + 1 :]]]
    return [chain.add(e.t_ns, e.kind, e.text) for e in entries if e is not None]


def _write_audit(path: Path, records: list[bytes]) -> None:
    log = McapFile(path)
    channel = log.add_channel(AUDIT, "json", "audit", "jsonschema", b"{}")
    for t, record in enumerate(records):
        log.write(channel, t, record)
    log.close()
