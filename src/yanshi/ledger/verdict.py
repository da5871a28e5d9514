"""Does this mind fit this robot: memory, time, energy, endurance and price, and what breaks first.

The loop is sense → understand → act: a picture is looked at, a sentence is understood, the walker
takes the first target. What is ours was measured on two x86 cores; what is not known is asked for.
"""

import math
from dataclasses import dataclass, replace

from yanshi.core.errors import ConfigError
from yanshi.ledger.catalog import Board, Link, Model, Robot, find
from yanshi.ledger.hire import answer_usd, ask_for_price, carried_usd, has_price
from yanshi.ledger.roofline import (
    PRECISIONS,
    Estimate,
    Job,
    NeededError,
    fitted,
    kv_bytes,
    need,
    token_bytes,
)

LOOP_MS = (100.0, 300.0)
PRICE_USD = 10_000.0
"""What a sentence may take to become a movement, and what robot and board may cost, by the question
that this project answers."""
OURS_TOKENS, OTHERS_TOKENS, PLAN_TOKENS = 15.0, 30.0, 12.0
"""Tokens of a sentence to our adapted model; to another, after 900 of instructions that it keeps
in mind; and of a plan. Means over the frozen set of `yanshi bench mind`."""
INSTRUCTION_TOKENS = 900.0
OURS_VOCABULARY, OURS_PRECISIONS = 48_945, {"q4": "q8"}
"""Tokens that are kept of the vocabulary, and what a file of 4 bits becomes once our adapter is
merged into it (`mind/gemma.py`)."""
EYES_MS, POLICY_MS = 30.0, 0.4
"""Our detector, and our walker's tick: medians of `yanshi bench run` on one x86 core of a server; a
robot's board may take two or three times as long."""
POLICY_PERIOD_MS, PICTURES_HZ = 20.0, 10.0
STACK_GB, SYSTEM_GB = 0.5, 1.5
"""The rest of our processes, measured; the operating system, recollection, not verified."""
WORKING = 0.1
"""Share of the weights that activations and buffers take; recollection, not verified."""
THOUGHTS_PER_MINUTE = 6.0
CLOUD_FIRST_MS, CLOUD_TOKEN_MS = 400.0, 25.0
"""A hired model's first and later tokens; recollection of public services, not verified."""
CLOUD_BYTES = (9_500.0, 400.0)
"""Sent and received for a sentence, measured (`yanshi bench cloud`)."""
Z99 = 2.326


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the verdict."""

    name: str
    value: float
    unit: str
    low: float
    high: float
    source: str
    confidence: str = "medium"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is to be judged."""

    robot: Robot
    board: Board
    mind: Model
    precision: str
    is_ours: bool
    """Whether it carries our adapter and needs no instructions."""
    cloud: Model | None = None
    link: Link | None = None
    thoughts_per_minute: float = THOUGHTS_PER_MINUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was found."""

    figures: tuple[Figure, ...]
    breaks: str
    """What breaks first and what would mend it, or that nothing does."""
    fits: bool
    asks: tuple[str, ...] = ()
    """What is not told as a figure is not known, and how to give that."""

    def __getitem__(self, name: str) -> float:
        """Return the value of a figure."""
        return next(figure.value for figure in self.figures if figure.name == name)


def read_mind(text: str, known: dict[str, Model]) -> tuple[Model, str]:
    """Read `qwen3-4b-q4`: a model and how its weights are kept.

    Raises:
        ConfigError: There is no such precision.
        UnknownNameError: There is no such model.
    """
    name, _, precision = text.rpartition("-")
    if precision not in PRECISIONS:
        if text in known:
            return known[text], "q4"
        raise ConfigError(
            f"A mind is written MODEL-PRECISION, e.g. gemma-3-270m-q4; asked: {text!r}. "
            f"Precisions: {', '.join(PRECISIONS)}.",
            zh=f"大脑写作“模型-精度”，如 gemma-3-270m-q4；得到的是 {text!r}。"
            f"精度有：{'、'.join(PRECISIONS)}。",
        )
    return find("model", name, known), precision


def judge(question: Question) -> Verdict:
    """Judge a mind on a board in a robot.

    Raises:
        NeededError: A figure of the board, the robot or the model is not known.
    """
    memory = _memory(question)
    times = _times(question)
    energy = _energy(question, times)
    price = price_figures(question.robot, question.board)
    hired, asks = _hire(question)
    figures = (*memory, *times, *energy, *price, *hired)
    breaks, fits = _first_to_break(question, figures)
    return Verdict(figures=figures, breaks=breaks, fits=fits, asks=asks)


def as_ours(model: Model) -> Model:
    """Return a model with our vocabulary in the place of its own.

    Raises:
        NeededError: The size of its vocabulary is not known.
    """
    words = need(model, "vocabulary") - OURS_VOCABULARY
    change_b = -words * need(model, "hidden") * 1e-9
    return replace(
        model,
        vocabulary=OURS_VOCABULARY,
        params_total_b=need(model, "params_total_b") + change_b,
        params_active_b=need(model, "params_active_b") + change_b,
        notes=f"{model.notes}; with our vocabulary",
    )


def job_of(question: Question) -> Job:
    """Return the understanding of one sentence as a job."""
    board = question.board
    if not board.runtime:
        board = replace(board, runtime="llama.cpp")
    precision = question.precision
    return Job(
        model=as_ours(question.mind) if question.is_ours else question.mind,
        board=board,
        precision=OURS_PRECISIONS.get(precision, precision) if question.is_ours else precision,
        runtime=board.runtime,
        tokens=OURS_TOKENS if question.is_ours else OTHERS_TOKENS,
        context=OURS_TOKENS if question.is_ours else INSTRUCTION_TOKENS,
    )


def _memory(question: Question) -> list[Figure]:
    job = job_of(question)
    model = job.model
    total = need(model, "params_total_b") - need(model, "params_active_b")
    weights = token_bytes(replace(job, context=0.0)) * 1e-9
    weights += total * PRECISIONS[job.precision] / 8.0
    if model.has_own_head and model.vocabulary and model.hidden:
        # The first matrix, of which only rows are read.
        weights += model.vocabulary * model.hidden * 2e-9
    remembered = (job.context + job.tokens + PLAN_TOKENS) * kv_bytes(model) * 1e-9
    room = need(question.board, "memory_gb")
    used = weights * (1.0 + WORKING) + remembered + STACK_GB + SYSTEM_GB
    source = f"{model.id}: {model.source}"
    return [
        exact("weights", weights, "GB", source, model.confidence),
        exact("memory of the text", remembered * 1e3, "MB", source, model.confidence),
        exact("memory used", used, "GB", "weights + 10 % + text + our stack + system", "medium"),
        exact("memory there", room, "GB", question.board.source, question.board.confidence),
    ]


def _times(question: Question) -> list[Figure]:
    job = job_of(question)
    fit = fitted()
    reads, writes = fit.estimate("prefill", job), fit.estimate("decode", job)
    ours = "measured on two x86 cores"
    eyes = Figure(
        name="look", value=EYES_MS, unit="ms", low=20.0, high=100.0, source=ours, confidence="low"
    )
    act = Figure(
        name="act",
        value=POLICY_MS + POLICY_PERIOD_MS / 2.0,
        unit="ms",
        low=POLICY_MS,
        high=3.0 * POLICY_MS + POLICY_PERIOD_MS,
        source=f"{ours}; half a period of waiting",
    )
    read = _estimated("read the sentence", reads, 1.0)
    write = _estimated("write the plan", writes, PLAN_TOKENS)
    figures = [eyes, read, write, act]
    loop = sum(figure.value for figure in figures)
    figures.append(
        Figure(
            name="sense, understand, act",
            value=loop,
            unit="ms",
            low=sum(figure.low for figure in figures),
            high=sum(figure.high for figure in figures),
            source="sum",
            confidence=min((f.confidence for f in figures), key=("low", "medium", "high").index),
        )
    )
    if question.cloud is not None and question.link is not None:
        figures += _cloud_times(question.cloud, question.link)
    return figures


def _cloud_times(cloud: Model, link: Link) -> list[Figure]:
    if link.delay_ms is None:
        return [exact("plan from the cloud", float("inf"), "ms", link.source, link.confidence)]
    served = CLOUD_FIRST_MS + PLAN_TOKENS * CLOUD_TOKEN_MS
    carried = 8.0 * (
        CLOUD_BYTES[0] / (link.up_mbit_s or 1.0) + CLOUD_BYTES[1] / (link.down_mbit_s or 1.0)
    )
    there = 2.0 * link.delay_ms + carried * 1e-3
    late = 2.0 * link.delay_ms * math.exp(Z99 * link.delay_spread) + carried * 1e-3
    return [
        Figure(
            name="plan from the cloud",
            value=served + there,
            unit="ms",
            low=served / 2.0 + there,
            high=2.0 * served + late,
            source=f"link {link.id}: {link.source}; {cloud.id} served as public services are",
            confidence="low",
        ),
        exact("answers that are lost", 100.0 * link.loss, "%", link.source, link.confidence),
    ]


def _energy(question: Question, times: list[Figure]) -> list[Figure]:
    read, write = (
        next(f for f in times if f.name == n) for n in ("read the sentence", "write the plan")
    )
    board = question.board
    thought = energy_figure(
        "energy of a thought", board, read.value + write.value, read.high + write.high
    )
    seeing = thinking_watt(board) * EYES_MS * 1e-3 * PICTURES_HZ
    thinking = thought.value * question.thoughts_per_minute / 60.0
    radio = _radio_watt(question, times)
    why = f"idle board, {question.thoughts_per_minute:g} thoughts a minute, 10 pictures a second"
    if radio:
        why += ", radio"
    return [
        thought,
        *endurance_figures(
            question.robot, board, seeing + thinking, radio, name="power of thinking", why=why
        ),
    ]


def thinking_watt(board: Board) -> float:
    """Return how much more a board takes at work than idle.

    Neither end of its range is known for one task: it is half of what lies between.
    """
    return (need(board, "power_max_watt") - need(board, "power_min_watt")) / 2.0


def energy_figure(name: str, board: Board, time_ms: float, longest_ms: float) -> Figure:
    """Return what a board takes for work of that time beside what it takes idle.

    Nothing at the least, and all of its range for the longest time at the most.
    """
    extra = thinking_watt(board)
    return Figure(
        name=name,
        value=extra * time_ms * 1e-3,
        unit="J",
        low=0.0,
        high=2.0 * extra * longest_ms * 1e-3,
        source=f"{board.id}: {board.source}; half of its range for the time",
        confidence="low",
    )


def endurance_figures(
    robot: Robot, board: Board, work_watt: float, radio_watt: float, *, name: str, why: str
) -> list[Figure]:
    """Return the mean power of board and radio, and what is left of the endurance.

    Args:
        robot: Whose battery.
        board: What is carried beside the computer that the robot comes with.
        work_watt: What the board takes for its work, in the mean, beside what it takes idle.
        radio_watt: What the radio takes in the mean.
        name: Of the power.
        why: Where the power comes from.

    Raises:
        NeededError: Battery, endurance or the board's power are not known.
    """
    idle, busy = need(board, "power_min_watt"), need(board, "power_max_watt")
    mean, body = idle + work_watt + radio_watt, robot.power_watt
    if body is None:
        raise NeededError(
            f"Battery and endurance of {robot.id} are not both known. Put battery_wh and "
            f"endurance_h into a file, [robots.{robot.id}], and name that in YANSHI_LEDGER.",
            zh=f"{robot.id} 的电池容量与续航不全。请把 battery_wh 和 endurance_h 写进文件的 "
            f"[robots.{robot.id}] 表，并用 YANSHI_LEDGER 指定该文件。",
        )
    assert robot.battery_wh is not None
    assert robot.endurance_h is not None
    hours = robot.battery_wh / (body + mean)
    return [
        Figure(
            name=name,
            value=mean,
            unit="W",
            low=idle + radio_watt,
            high=busy + radio_watt,
            source=why,
            confidence="low",
        ),
        exact(
            "endurance as bought",
            robot.endurance_h,
            "h",
            f"{robot.id}: {robot.source}",
            robot.confidence,
        ),
        Figure(
            name="endurance with this board beside",
            value=hours,
            unit="h",
            low=robot.battery_wh / (body + busy + radio_watt),
            high=robot.battery_wh / (body + idle),
            source="battery over power of the robot and of this",
            confidence="low",
        ),
        exact(
            "endurance lost", 100.0 * (1.0 - hours / robot.endurance_h), "%", "from the two", "low"
        ),
    ]


def _radio_watt(question: Question, times: list[Figure]) -> float:
    """Return the mean power of the link to a mind in the cloud; 0 without one."""
    link = question.link
    if link is None or question.cloud is None:
        return 0.0
    cloud_s = next(f.value for f in times if f.name == "plan from the cloud") * 1e-3
    busy_share = min(1.0, question.thoughts_per_minute / 60.0 * cloud_s)
    return link.idle_watt + busy_share * (link.active_watt - link.idle_watt)


def price_figures(robot: Robot, board: Board) -> list[Figure]:
    """Return the prices that are known, and their sum where both are."""
    figures = []
    for record in (robot, board):
        if record.price_usd is not None:
            source = f"{record.id}: {record.source} ({record.price_date})"
            figures.append(
                exact(f"price of {record.id}", record.price_usd, "$", source, record.confidence)
            )
    if len(figures) == 2:
        total = sum(figure.value for figure in figures)
        figures.append(exact("price of both", total, "$", "sum", "medium"))
    return figures


def _hire(question: Question) -> tuple[list[Figure], tuple[str, ...]]:
    """Return what answers from the cloud cost, or what is asked for."""
    cloud, link = question.cloud, question.link
    if cloud is None or link is None or link.delay_ms is None:
        return [], ()
    if not has_price(cloud):
        return [], (ask_for_price(cloud),)
    read, carried = INSTRUCTION_TOKENS + OTHERS_TOKENS, carried_usd(link, sum(CLOUD_BYTES))
    dear = carried + answer_usd(cloud, read, PLAN_TOKENS)
    cheap = carried + answer_usd(cloud, read, PLAN_TOKENS, remembered=INSTRUCTION_TOKENS)
    listed = cloud.price_source or cloud.source
    source = f"{cloud.id}: {listed}" + (f" ({cloud.price_date})" if cloud.price_date else "")
    tokens = f"{read:.0f} tokens read, {PLAN_TOKENS:.0f} written, and the link's bytes; less where "
    an_hour = 60.0 * question.thoughts_per_minute
    return [
        Figure(
            name=name,
            value=dear * times,
            unit="$",
            low=cheap * times,
            high=dear * times,
            source=f"{source}; {tokens}the service remembers the instructions",
        )
        for name, times in (("price of an answer", 1.0), ("price of an hour's answers", an_hour))
    ], ()


def _first_to_break(question: Question, figures: tuple[Figure, ...]) -> tuple[str, bool]:
    """Return what breaks first and what would mend it."""
    at = {figure.name: figure.value for figure in figures}
    if broken := too_large(at["memory used"], at["memory there"]):
        return broken, False
    loop = at["sense, understand, act"]
    if loop > LOOP_MS[1]:
        per_token = at["write the plan"] / PLAN_TOKENS
        return (
            f"It is too late: {loop:.0f} ms of {LOOP_MS[1]:.0f} ms. Each token of the plan takes "
            f"{per_token:.1f} ms, as fast as {question.board.id} reads the weights: a smaller "
            "model, fewer bits, or a board with more bandwidth.",
            False,
        )
    if (lost := at["endurance lost"]) > 25.0:
        return (
            f"It costs {lost:.0f} % of the endurance: a board that draws less, or fewer thoughts.",
            False,
        )
    return too_dear(question.robot, at.get("price of both", 0.0)) or "Nothing breaks.", True


def too_large(used_gb: float, there_gb: float) -> str:
    """Say that the memory does not do and what would; nothing where it does."""
    if used_gb <= there_gb:
        return ""
    most = max(0.0, there_gb - STACK_GB - SYSTEM_GB) / (1.0 + WORKING)
    return (
        f"It does not fit: {used_gb:.1f} GB of {there_gb:g} GB. A smaller model or fewer bits: at "
        f"most {most:.1f} GB of weights."
    )


def too_dear(robot: Robot, price_usd: float) -> str:
    """Say that robot and board cost too much and why; nothing where they do not."""
    if price_usd <= PRICE_USD:
        return ""
    is_robot = (robot.price_usd or 0.0) > PRICE_USD
    why = "the robot alone costs more" if is_robot else "a cheaper board would do"
    return f"It works, and costs ${price_usd:,.0f}, more than ${PRICE_USD:,.0f}: {why}."


def exact(name: str, value: float, unit: str, source: str, confidence: str) -> Figure:
    """Return a figure without a range."""
    return Figure(
        name=name,
        value=value,
        unit=unit,
        low=value,
        high=value,
        source=source,
        confidence=confidence,
    )


def _estimated(name: str, estimate: Estimate, times: float) -> Figure:
    return Figure(
        name=name,
        value=estimate.value * times,
        unit="ms",
        low=estimate.low * times,
        high=estimate.high * times,
        source=estimate.source,
        confidence=estimate.confidence,
    )
