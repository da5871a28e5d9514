"""Boards, models, robots and links: what is known of each, from where and how surely.

The figures stand in `data/*.toml`, each record with its source and a confidence. A user adds
records in a file of the same form, `$YANSHI_LEDGER`, one table a record: `[boards.mine]`.
"""

import os
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

from yanshi.core.errors import ConfigError, UnknownNameError

DATA = Path(__file__).parent / "data"
OWN = "YANSHI_LEDGER"
"""Environment variable with the path of a user's own records."""
SORTS = ("boards", "models", "robots", "links")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What every record tells of itself."""

    id: str
    name: str = ""
    also: tuple[str, ...] = ()
    """What else it may be called."""
    source: str = "given by the user"
    confidence: str = "low"
    """`high`, `medium` or `low`."""
    notes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Board(Record):
    """A computer. None: not known."""

    int8_tops_dense: float | None = None
    int8_tops_sparse: float | None = None
    fp16_tflops_dense: float | None = None
    """Of the GPU or NPU alone, without sparsity."""
    fp4_tflops_dense: float | None = None
    fp4_tflops_sparse: float | None = None
    int4_tops_dense: float | None = None
    cpu_fp64_gflops_hpl: float | None = None
    clock_mhz: float | None = None
    """Highest, of what runs the model."""
    memory_gb: float | None = None
    bandwidth_gb_s: float | None = None
    """Of the memory, by its data sheet."""
    bandwidth_measured_gb_s: float | None = None
    cores: int | None = None
    """Of its processor, where that is what runs the model."""
    core_speed: float | None = None
    """Of one core of its CPU; that of AGX Orin is 1."""
    power_min_watt: float | None = None
    power_max_watt: float | None = None
    price_usd: float | None = None
    price_date: str = ""
    runtime: str = ""
    """What language models are usually run with there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model(Record):
    """A network. Sizes in billions of parameters; None: not known."""

    kind: str = "LLM"
    params_total_b: float | None = None
    params_active_b: float | None = None
    """Used for one token."""
    decoder_params_b: float | None = None
    """Without its eyes; None: all of it decodes."""
    layers: int | None = None
    hidden: int | None = None
    q_heads: int | None = None
    kv_heads: int | None = None
    head_dim: int | None = None
    vocabulary: int | None = None
    has_own_head: bool = False
    """Whether the last matrix is another one than the first."""
    is_recurrent: bool = False
    """Whether most of its layers go through the text token by token."""
    intermediate: int | None = None
    experts: str = ""
    action_chunk: int | None = None
    denoise_steps: int | None = None
    control_hz: float | None = None
    tokens_per_action: float | None = None
    """Written for a chunk, where actions are words."""
    family: str = ""
    """Of networks for actions that have the same layers."""
    views: int | None = None
    """Pictures that it looks at."""
    view_patches: int | None = None
    view_tokens: int | None = None
    """Tokens of a picture in the eyes, and those that the language model gets of it."""
    prompt_tokens: int | None = None
    """Of a sentence, padded as by its own code."""
    eyes_layers: int | None = None
    eyes_params_b: float | None = None
    language_params_b: float | None = None
    """Of the language model's layers alone."""
    action_layers: int | None = None
    action_params_b: float | None = None
    """Of what makes actions, once for each denoising step."""
    executed: float | None = None
    price_in_usd_m: float | None = None
    price_out_usd_m: float | None = None
    """Of a million tokens read and written, where it is hired."""
    price_cached_usd_m: float | None = None
    """Of a million tokens that the service has read before."""
    price_date: str = ""
    price_source: str = ""

    @property
    def is_mixture(self) -> bool:
        """Whether only some of its experts are used for a token."""
        return self.kind.endswith("MoE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Robot(Record):
    """A humanoid. None: not known."""

    price_usd: float | None = None
    price_date: str = ""
    mass_kg: float | None = None
    dof: str = ""
    battery_wh: float | None = None
    endurance_h: float | None = None
    endurance_stand_h: float | None = None
    onboard_compute: str = ""

    @property
    def power_watt(self) -> float | None:
        """What it draws in the mean, with the computer that it comes with."""
        if self.battery_wh is None or not self.endurance_h:
            return None
        return self.battery_wh / self.endurance_h


@dataclass(frozen=True, slots=True, kw_only=True)
class Link(Record):
    """A way to the cloud. Delays are of one way."""

    delay_ms: float | None = None
    """Median."""
    delay_spread: float = 0.0
    """Standard deviation of the delay's natural logarithm."""
    loss: float = 0.0
    """Share of exchanges that are lost."""
    outage_every_s: float = 0.0
    """Mean time from one outage to the next; 0: none."""
    outage_s: float = 0.0
    """Mean length of an outage."""
    up_mbit_s: float | None = None
    down_mbit_s: float | None = None
    idle_watt: float = 0.0
    active_watt: float = 0.0
    price_usd_gb: float = 0.0


R = TypeVar("R", bound=Record)


def boards() -> dict[str, Board]:
    """Return all boards by id."""
    return _records("boards", Board)


def models() -> dict[str, Model]:
    """Return all models by id."""
    return _records("models", Model)


def robots() -> dict[str, Robot]:
    """Return all robots by id."""
    return _records("robots", Robot)


def links() -> dict[str, Link]:
    """Return all links by id."""
    return _records("links", Link)


def find(kind: str, name: str, records: Mapping[str, R]) -> R:
    """Return a record by its id or one of its other names.

    Raises:
        UnknownNameError: There is none.
    """
    asked = name.strip().lower().replace("_", "-").replace(" ", "-")
    for record in records.values():
        if asked in (record.id.lower(), *record.also):
            return record
    raise UnknownNameError(kind, name, records)


def search(records: Iterable[R], words: str) -> list[R]:
    """Return the records that hold all words in their id, name or notes."""
    wanted = words.lower().split()
    return [
        record
        for record in records
        if all(
            word in f"{record.id} {record.name} {' '.join(record.also)} {record.notes}".lower()
            for word in wanted
        )
    ]


def _records(sort: str, kind: type[R]) -> dict[str, R]:
    load: Callable[[str, object, str], dict[str, R]] = _load
    return load(sort, kind, os.environ.get(OWN, ""))


@cache
def _load(sort: str, kind: Any, own: str) -> dict[str, Any]:
    tables = tomllib.loads((DATA / f"{sort}.toml").read_text(encoding="utf8"))
    records = {name: _record(kind, name, table, sort) for name, table in tables.items()}
    for path in _own_files(own):
        added = _read(path)
        for name in added:
            if name not in SORTS:
                tables_known = ", ".join(f"[{sort}.NAME]" for sort in SORTS)
                raise ConfigError(
                    f"{path}: a table [{name}] is not known. Known: {tables_known}.",
                    zh=f"{path}：不认识表 [{name}]。可用：{tables_known}。",
                )
        for name, table in added.get(sort, {}).items():
            record = _record(kind, name, table, str(path))
            records[name] = _correct(records[name], record, table) if name in records else record
    return records


def _correct(known: R, record: R, table: Mapping[str, Any]) -> R:
    """Return a known record with what a user's table says otherwise."""
    given = {figure: getattr(record, figure) for figure in table}
    source = f"{record.source}; the rest: {known.source}"
    return replace(known, **given | {"source": source, "confidence": record.confidence})


def _own_files(own: str) -> list[Path]:
    if not own:
        return []
    path = Path(own).expanduser()
    return sorted(path.glob("*.toml")) if path.is_dir() else [path]


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf8"))
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{OWN} names {path}, which cannot be read: {error}.",
            zh=f"{OWN} 指定的 {path} 无法读取：{error}。",
        ) from error


def _record(kind: type[R], name: str, table: Any, where: str) -> R:
    """Make a record of a table.

    Raises:
        ConfigError: A field is not known, or is not of its type.
    """
    if not isinstance(table, dict):
        raise ConfigError(f"{where}: {name} is to be a table of figures, found {table!r}.")
    hints = get_type_hints(kind)
    known = {field.name for field in fields(kind)} - {"id"}
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in known:
            raise UnknownNameError(f"figure of {name} in {where}", key, known)
        types = get_args(hints[key]) or (hints[key],)
        if isinstance(value, list):
            value = tuple(value)
        elif isinstance(value, bool):
            _check(bool in types, name, key, value, where)
        elif isinstance(value, int | float):
            _check(bool({float, int} & set(types)) and value >= 0, name, key, value, where)
            value = float(value) if float in types else value
        else:
            _check(str in types, name, key, value, where)
        values[key] = value
    return kind(id=name, **values)


def _check(is_right: bool, name: str, key: str, value: object, where: str) -> None:
    if not is_right:
        raise ConfigError(
            f"{where}: {key} of {name} cannot be {value!r}; a number of 0 or more would do, or a "
            "text where others have one.",
            zh=f"{where}：{name} 的 {key} 不能是 {value!r}；应为不小于 0 的数，或（同别处）文字。",
        )
