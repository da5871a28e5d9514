"""What was said and seen before: puts the thing that is meant in the place of "it" and "the other".

The model reads one sentence and nothing else; its draft may point at what went before
(`mind.language`). Here, by rules and in microseconds, such words are looked up among the steps of
this plan, the plans before it and what the eyes remember. What cannot be looked up is asked for,
and the answer goes into the plan that waits. Words that are written in the scene are not among what
is looked up.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from yanshi.core.messages import Plan, Step
from yanshi.mind.language import AGAIN, IT, MEAN, OTHER, STEPS_MAX, THERE, WAYS
from yanshi.worlds.things import COLOURS

TURNS_MAX = 8
"""How many orders back anybody may point."""
CHOOSY = frozenset({"go", "turn", "point", "pick", "place", "hand", "push", "carry"})
"""Skills that need the one thing that is meant; `look` tells of all that fit."""
HANDY = frozenset({"pick", "place", "hand", "push", "carry"})
"""Skills that are done to a thing with the hands."""
CONTAINERS = frozenset({"bowl", "tray", "box", "plate", "cup"})
"""Kinds that things are put into."""
UNSAFE = Step(skill="refuse", arguments=("unsafe",))
TOO_LONG = Plan(steps=(Step(skill="refuse", arguments=("too_many_steps",)),))
"""What an order comes to that has more steps, with those it repeats, than a plan may have."""
_PLACED = frozenset({"go", "turn", "look", "point"})
"""Skills whose one argument is a thing, a place or a person, if it is no direction."""
_COUNTED = {"go": "m", "turn": "deg", "wait": "s"}
"""The unit of a skill's number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A thing that the eyes remember."""

    name: str
    """Colour and kind: `red cup`."""
    place: str = ""
    """The place that it is on; empty where that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One order and what was made of it."""

    plan: Plan
    """As it was understood; the plan that waits, when it was answered with a question."""
    asked: str = ""
    """The question that answered it: `which`, `where` or `what`; empty for none."""
    seen: tuple[str, ...] = ()
    """Names of the things that the robot then told of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a sentence may point at."""

    things: tuple[Seen, ...] = ()
    """What the eyes remember."""
    holding: str = ""
    """What is in its hand; empty for nothing."""
    turns: tuple[Turn, ...] = ()
    """What was ordered before, oldest first."""

    def after(self, turn: Turn) -> "Context":
        """Return the context of the next sentence."""
        return replace(self, turns=(*self.turns, turn)[-TURNS_MAX:])

    def told(self, seen: Sequence[str]) -> "Context":
        """Return the context after the robot has told what it sees."""
        *before, last = self.turns
        return replace(self, turns=(*before, replace(last, seen=(*last.seen, *seen))))

    def asking(self, question: str, step: Step) -> "Context":
        """Return the context after the robot has asked back at a step of the last plan.

        That step and those after it wait for the answer.
        """
        *before, last = self.turns
        steps = last.plan.steps
        left = steps[steps.index(step) :] if step in steps else steps
        turn = Turn(plan=Plan(steps=left), asked=question)
        return replace(self, turns=(*before, turn))


NOWHERE = Context()


class _OpenError(Exception):
    """Something cannot be looked up."""

    def __init__(self, question: str) -> None:
        super().__init__(question)
        self.question = question


def settle(draft: Plan, context: Context, places: Sequence[str]) -> tuple[Plan, Turn]:
    """Return what is to be done for a draft, and what to remember of it.

    Args:
        draft: As the model wrote it.
        context: What was said and seen before.
        places: What the floor plan names.

    Returns:
        The plan without words that point elsewhere, or the question that is to be asked first;
        and the turn for the context of the next sentence.
    """
    if UNSAFE in draft.steps:
        return Plan(steps=(UNSAFE,)), Turn(plan=Plan(steps=(UNSAFE,)))
    waiting = draft
    try:
        waiting = _with_meaning(draft, context, places)
        if len(waiting.steps) > STEPS_MAX:
            return TOO_LONG, Turn(plan=TOO_LONG)
        plan = _looked_up(waiting, context, places)
        _check_choice(plan, context)
    except _OpenError as gap:
        question = Plan(steps=(Step(skill="ask", arguments=(gap.question,)),))
        is_known = gap.question != "what"
        if is_known and any(step.skill == MEAN for step in waiting.steps):
            waiting = _last(context).plan  # An answer that fits nothing: it still waits.
        return question, Turn(plan=waiting if is_known else question, asked=gap.question)
    asked = plan.steps[0].arguments[0] if plan.steps[0].skill == "ask" else ""
    return plan, Turn(plan=plan, asked=asked)


def _with_meaning(draft: Plan, context: Context, places: Sequence[str]) -> Plan:
    """Put earlier plans in the place of `again` and of answers and corrections."""
    steps: list[Step] = []
    for step in draft.steps:
        if step.skill == AGAIN:
            steps += _last(context).plan.steps
        elif step.skill == MEAN:
            steps += _amended(_last(context), step, context, places)
        else:
            steps.append(step)
    return Plan(steps=tuple(steps))


def _last(context: Context) -> Turn:
    for turn in reversed(context.turns):
        if turn.plan.steps[0].skill not in ("ask", "refuse", "stop"):
            return turn
    raise _OpenError("what")


def _amended(turn: Turn, mean: Step, context: Context, places: Sequence[str]) -> Sequence[Step]:
    """Return a plan with what an answer or a correction puts into it.

    An answered plan is done whole, a corrected one from the first step that has changed.
    """
    steps = turn.plan.steps
    amend, reaches = _amendment(mean, places)
    at = [index for index, step in enumerate(steps) if amend(step, context) != step]
    if turn.asked:
        like = [index for index in at if _is_open(steps[index], context)] or at
        meant = like[:1]
    else:
        # Among like steps the latest is meant.
        like = [index for index in at if reaches(steps[index])] or at
        meant = like[-1:]
    if not meant:
        raise _OpenError("what")
    # With it change all that name the same.
    said = {steps[meant[0]].arguments[k] for k in _changed(steps[meant[0]], amend, context)}
    at = [
        index
        for index in at
        if {steps[index].arguments[k] for k in _changed(steps[index], amend, context)} & said
    ]
    amended = [amend(step, context) if index in at else step for index, step in enumerate(steps)]
    return amended if turn.asked else amended[at[0] :]


Amend = Callable[[Step, Context], Step]


def _changed(step: Step, amend: Amend, context: Context) -> list[int]:
    """Return which arguments of a step an amendment changes."""
    pairs = zip(step.arguments, amend(step, context).arguments, strict=True)
    return [at for at, (before, after) in enumerate(pairs) if before != after]


def _amendment(mean: Step, places: Sequence[str]) -> tuple[Amend, Callable[[Step], bool]]:
    """Return how a correction changes a step, and which steps it fits best."""
    value, *unit = mean.arguments
    if unit:

        def count(step: Step, context: Context) -> Step:
            if _COUNTED.get(step.skill) != unit[0] or not _is_number(step.arguments[-1]):
                return step
            return replace(step, arguments=(*step.arguments[:-1], value))

        return count, lambda step: True
    if value in WAYS:

        def steer(step: Step, context: Context) -> Step:
            is_turn = step.skill == "turn" and value in ("left", "right")
            if not (step.skill == "go" or is_turn) or step.arguments[0] not in WAYS:
                return step
            return replace(step, arguments=(value, *step.arguments[1:]))

        return steer, lambda step: True

    def name(step: Step, context: Context) -> Step:
        if not _names(step):
            return step
        meant, at = value, _meant_slot(step, value, places)
        if value in COLOURS:
            kind = _kind(step.arguments[at])
            if kind in (*places, "person", THERE):
                return step
            if kind in (IT, OTHER):
                meant = _only(
                    [t.name for t in context.things if t.name.split()[0] == value], "which"
                )
            else:
                meant = f"{value} {kind.removeprefix(OTHER).strip()}"
        elif step.skill in HANDY:
            is_place = meant in (*places, "person", THERE)
            if is_place != _is_where(step, at, places):
                return step  # No place is taken in hand, and nothing stands on an apple.
        return _with(step, at, meant)

    def is_like(step: Step) -> bool:
        if not _names(step):
            return False
        at = _meant_slot(step, value, places)
        return (step.arguments[at] in (*places, THERE)) == (value in places)

    return name, is_like


def _looked_up(plan: Plan, context: Context, places: Sequence[str]) -> Plan:
    """Put names in the place of `it`, `other` and `there`."""
    steps: list[Step] = []
    before = [name for turn in context.turns for name in _spoken_of(turn)]
    for step in plan.steps:
        for at in _slots(step):
            here = [s.arguments[k] for s in steps for k in _slots(s)]
            name = step.arguments[at]
            if name == IT:
                find = _it_in_hand if step.skill in HANDY else _it
                name = find(here, before, context, places)
            elif name == THERE:
                name = ([*before, *here] or [""])[-1]
                if step.skill in HANDY:
                    name = ([n for n in (*before, *here) if n in places] or [""])[-1]
                if not name or name in (IT, THERE):
                    raise _OpenError("where")
            elif name.split()[0] == OTHER:
                name = _other(name.removeprefix(OTHER).strip(), [*before, *here], context, places)
            step = _with(step, at, name)
        steps.append(step)
    return replace(plan, steps=tuple(steps))


def _it_in_hand(
    here: Sequence[str], before: Sequence[str], context: Context, places: Sequence[str]
) -> str:
    """Return the thing that "it" is where something is done to it with a hand."""
    things = [name for name in here if name not in (*places, "person")]
    if things:
        return things[-1]
    return context.holding or _it((), [n for n in before if n not in places], context, places)


def _it(here: Sequence[str], before: Sequence[str], context: Context, places: Sequence[str]) -> str:
    if here and here[-1] != "person":
        return here[-1]
    for name in reversed(before):
        if name not in (*places, "person", IT, THERE) and name.split()[0] != OTHER:
            return name
    if context.holding:
        return context.holding
    names = [thing.name for thing in context.things]
    if not names and (known := [name for name in before if name in places]):
        return known[-1]
    return _only(names, "which")


def _spoken_of(turn: Turn) -> list[str]:
    """Return what an order named and what was seen on it, when that was one thing."""
    named = [step.arguments[at] for step in turn.plan.steps for at in _slots(step)]
    return named + (list(turn.seen) if len(set(turn.seen)) == 1 else [])


def _other(kind: str, before: Sequence[str], context: Context, places: Sequence[str]) -> str:
    """Return the one thing of a kind that was not spoken of last."""
    spoken = [name for name in before if name not in (*places, "person", IT, THERE)]
    kind = kind or (_kind(spoken[-1]) if spoken else "")
    last = next((name for name in reversed(spoken) if _kind(name) == kind), "")
    of_kind = [thing.name for thing in context.things if _kind(thing.name) == kind]
    if last in of_kind:
        of_kind.remove(last)
    elif len(of_kind) != 1:
        raise _OpenError("which")
    return _only(of_kind, "which")


def _check_choice(plan: Plan, context: Context) -> None:
    """Ask which one when a step needs one thing and its words fit several."""
    for step in plan.steps:
        if step.skill in CHOOSY and _names(step) and _is_open(step, context):
            raise _OpenError("which")


def _is_open(step: Step, context: Context) -> bool:
    """Whether a step's words do not tell which one is meant."""
    for at in _slots(step):
        name = step.arguments[at]
        if name in (IT, THERE) or name.split()[0] == OTHER:
            return True
        if len({thing.name for thing in context.things if _fits(thing.name, name)}) > 1:
            return True
    return False


def _fits(name: str, words: str) -> bool:
    return name == words or (" " not in words and _kind(name) == words)


def _names(step: Step) -> bool:
    """Whether an argument of a step is a thing, a place or a person."""
    return bool(_slots(step))


def _slots(step: Step) -> tuple[int, ...]:
    """Return which arguments of a step are things, places or persons."""
    if step.skill in HANDY:
        return (0, len(step.arguments) - 1) if len(step.arguments) > 1 else (0,)
    is_named = (
        step.skill in _PLACED
        and len(step.arguments) == 1
        and step.arguments[0] not in ("around", *WAYS)
    )
    return (0,) if is_named else ()


def _meant_slot(step: Step, value: str, places: Sequence[str]) -> int:
    """Return which argument of a step a correction means: the thing, or where it goes."""
    last = len(step.arguments) - 1
    if step.skill not in HANDY or not last:
        return 0
    is_where = value in (*places, THERE) or (last == 2 and _kind(value) in CONTAINERS)
    return last if is_where else 0


def _is_where(step: Step, at: int, places: Sequence[str]) -> bool:
    """Whether an argument of a handy step is a piece of furniture, or may become one."""
    return at > 0 and (step.arguments[at] in (*places, THERE))


def _with(step: Step, at: int, name: str) -> Step:
    arguments = list(step.arguments)
    arguments[at] = name
    return replace(step, arguments=tuple(arguments))


def _kind(name: str) -> str:
    """Return a thing's kind: `red toy car` is a `toy car`."""
    first, _, rest = name.partition(" ")
    return rest if rest and first in COLOURS else name


def _only(names: Sequence[str], question: str) -> str:
    if len(set(names)) != 1:
        raise _OpenError(question)
    return names[0]


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()
