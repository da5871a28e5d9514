"""Records of interventions of which none can be changed, left out or moved without its showing.

Each record carries the SHA-256 of the one before it, back to a first one that names the run; the
last one says that it is. There is no key in it: who rewrites everything from a record to the end,
with new hashes, is found out only by somebody who has kept the last hash elsewhere.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

BEGIN, END = "begin", "end"
"""Kinds of the first and the last record."""
NOTHING = 64 * "0"
"""What the first record carries for the hash of the one before it."""
_TYPES = {"number": int, "t_ns": int, "kind": str, "text": str, "before": str, "hash": str}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One record."""

    number: int
    """Its place, from 0."""
    t_ns: int
    """When it happened, on the run's clock."""
    kind: str
    text: str
    before: str
    """Hash of the record before it, 64 hexadecimal digits."""
    hash: str = ""
    """Hash of all of the above."""

    def sealed(self) -> "Entry":
        """Return it with its hash as it must be."""
        fields = asdict(self) | {"hash": ""}
        return Entry(**fields | {"hash": hashlib.sha256(_json_of(fields)).hexdigest()})

    def encode(self) -> bytes:
        """Return its one way to be written."""
        return _json_of(asdict(self))


@dataclass(frozen=True, slots=True)
class Flaw:
    """The first thing that is wrong with a chain."""

    number: int
    """Of the record."""
    kind: str
    """`edited`, `missing`, `moved` (another one is in its place) or `cut` (no end follows)."""


class Chain:
    """Makes a run's records one after the other."""

    def __init__(self) -> None:
        self.last_hash = NOTHING
        """Hash of the newest record: keep it where who may change the log cannot."""
        self._count = 0

    def add(self, t_ns: int, kind: str, text: str) -> bytes:
        """Return the next record."""
        entry = Entry(
            number=self._count, t_ns=t_ns, kind=kind, text=text, before=self.last_hash
        ).sealed()
        self._count += 1
        self.last_hash = entry.hash
        return entry.encode()


def read_entry(data: bytes) -> Entry | None:
    """Return a record, or None for what is none, or does not fit its own hash."""
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict) or {k: type(v) for k, v in fields.items()} != _TYPES:
        return None
    entry = Entry(**fields)
    return entry if entry == entry.sealed() and entry.encode() == data else None


def find_flaw(records: Sequence[bytes]) -> Flaw | None:
    """Return the first flaw of a chain, in the order in which its records were found."""
    entries = [read_entry(data) for data in records]
    numbers = {entry.number for entry in entries if entry is not None}
    before, kind = NOTHING, ""
    for place, entry in enumerate(entries):
        if entry is None:
            return Flaw(place, "edited")
        if entry.number != place:
            return Flaw(place, "moved" if place in numbers else "missing")
        if entry.before != before or (entry.kind == BEGIN) is not (place == 0):
            # Whoever changed the one before gave it a new hash.
            return Flaw(max(place - 1, 0), "edited")
        if kind == END:
            return Flaw(place, "moved")
        before, kind = entry.hash, entry.kind
    return None if kind == END else Flaw(len(entries), "cut")


def _json_of(fields: dict[str, object]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode()
