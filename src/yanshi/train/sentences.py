"""Sentences to learn from: an endless, seeded stream of orders and the drafts they mean.

A sentence is made the way people make them: pick what is meant (a plan), pick a wording for each
step, join the steps, add courtesy, and be a little careless. `phrases/zh.toml` and `en.toml` hold
the wordings. What the model is to write is a draft (`mind.language`): "it" stays `it`.
"""

import hashlib
import json
import random
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from yanshi.control.routine import Title
from yanshi.mind import quotes
from yanshi.mind.language import STAND_INS, STEPS_MAX
from yanshi.mind.stop_words import is_order_for
from yanshi.policies.repertoire import repertoire
from yanshi.train.counting import (
    degrees_en,
    degrees_zh,
    metres_en,
    metres_zh,
    number_en,
    number_zh,
    plain,
    seconds_en,
    seconds_zh,
)
from yanshi.train.slips import smudge

SLOT = re.compile(r"\{(\w+)\}")
OPTIONAL = re.compile(r"(\[[^\[\]]*\]|[\u4e00-\u9fff，：])\?")
EITHER = re.compile(r"\[([^\[\]]*)\]")
QUESTION = re.compile(
    r"哪|什么|吗$|有啥|有没有|几个|多少|^(where|what|which|how|is |are |do |can |have |any )"
)
STAND_IN = re.compile(r"(thing|place|act)([1-9])")
QUOTES = re.compile("[\"“”‘’「」『』]|'\\w+ .*'")
TWO_ARTICLES = re.compile(r"\b(the \w+ )the ")
VERBS = ("go", "look", "point", "turn", "pick", "hand", "push")
"""Skills that are done with a thing, a place or a person."""

# Share of each skill among the steps; the rest of a skill's weight is shared by its plans.
SKILL_WEIGHTS = {
    **{"go": 30, "look": 24, "turn": 13, "point": 8, "say": 7},
    **{"pick": 8, "place": 14, "hand": 8, "push": 3, "carry": 3},
    **{"wave": 5, "dance": 5, "wait": 6, "bow": 4, "getup": 2, "stop": 3},
}
ROUTINE_WEIGHT = 2
"""As much of each routine."""
ORDERS = {
    **{"whole": 120, "steps": 34, "cannot": 8, "unsafe": 5, "harmless": 4, "negation": 2},
    **{"meant": 4, "again": 1},
}
"""Share of each kind of sentence."""
REFUSAL_WEIGHTS = {
    **{"refuse unknown_thing": 26, "refuse unknown_skill": 24, "refuse unknown_place": 14},
    **{"refuse impossible": 13, "ask what": 7},
}
STEP_COUNTS = ((1, 48), (2, 26), (3, 17), (4, 6), (5, 2), (6, 1))
NEW = 0.05
"""Share of things and places that the adapter knows by a stand-in alone (`mind.lexicon`)."""
LABELLED = 0.08
"""Share of things with words on them."""
POINTED = 0.1
"""Share of steps that point at what was spoken of before."""
RAW = 0.25
"""Share of quotations that are not lifted out: what the model is asked to judge, it must read."""
VALIDATION_SEED, TEST_SEED = 1_000_003, 1_000_004
"""Streams of sentences that training never draws from."""


@dataclass(frozen=True, slots=True)
class Example:
    """One sentence and the draft it means, both as text."""

    sentence: str
    plan: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """One language's tables; `phrases/zh.toml` says what they hold."""

    kinds: dict[str, list[str]]
    colours: dict[str, list[str]]
    other_colours: list[str]
    measures: list[str]
    places: dict[str, list[str]]
    at: list[str]
    on: list[str]
    persons: list[str]
    steps: dict[str, list[str]]
    meant: dict[str, list[str]]
    harmless: dict[str, list[str]]
    perform: list[str]
    refusals: dict[str, list[str]]
    prefaces: list[str]
    polite_start: list[str]
    polite_end: list[str]
    question_start: list[str]
    question_end: list[str]
    negations: list[str]
    joints: list[str]
    first: list[str]
    it: list[str]
    other: list[str]
    other_kind: list[str]
    labels: list[str]
    quotation_marks: list[str]
    texts: list[str]
    threats: list[str]
    victims: list[str]
    excuses: list[str]
    syllables: list[str]
    unknown_things: list[str]
    unknown_places: list[str]
    whole: list[Example]
    """Whole sentences as somebody once said them, some with slots."""


@cache
def load_phrases(language: str) -> Phrases:
    """Read the tables of `zh` or `en`."""
    folder = Path(__file__).parent / "phrases"
    tables = tomllib.loads((folder / f"{language}.toml").read_text(encoding="utf8"))
    lines = (folder / f"whole_{language}.jsonl").read_text(encoding="utf8").splitlines()
    records = map(json.loads, lines)
    return Phrases(**tables, whole=[Example(r["say"], r["plan"]) for r in records])


def _routines() -> dict[str, Title]:
    """Return all routines: one that is not learnt yet is understood, and refused by the robot."""
    return {name: piece.title for name, piece in repertoire().items()}


def _routine_steps(language: str, ways: list[str]) -> dict[str, list[str]]:
    """Return how each routine, also one that is quite new, is asked for."""
    words = {name: title.asked[language] for name, title in _routines().items()}
    words["act1"] = ("act1",)
    return {
        name: [way.replace("{routine}", word) for word in called for way in ways]
        for name, called in words.items()
    }


def _still_refused(refusals: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return the refusals without those of routines."""
    titles = _routines().values()
    return {
        plan: [way for way in ways if not any(is_order_for(title.words, way) for title in titles)]
        for plan, ways in refusals.items()
    }


def fingerprint(sentence: str) -> str:
    """Return what two sentences share that differ in case and punctuation alone."""
    letters = re.sub(r"\W", "", sentence.lower())
    return hashlib.sha256(letters.encode()).hexdigest()[:12]


@cache
def held_out() -> frozenset[str]:
    """Return the fingerprints of the sentences that are asked in the bench and never taught."""
    path = Path(__file__).parent / "phrases" / "held_out.txt"
    return frozenset(path.read_text(encoding="utf8").split())


class Speaker:
    """One language's way of filling slots and joining steps."""

    def __init__(self, rng: random.Random, language: str) -> None:
        self.rng = rng
        self.words = load_phrases(language)
        self.is_chinese = language == "zh"
        self._is_label = False  # Whether what is made now is to be written on a thing.
        steps = {_with_it(plan): ways for plan, ways in self.words.steps.items()}
        self.steps = steps | _routine_steps(language, self.words.perform)
        self.plans: dict[str, list[str]] = {}
        for plan in self.steps:
            self.plans.setdefault(plan.split()[0].rstrip(";"), []).append(plan)
        self.refusals = _still_refused(self.words.refusals)
        self.weights = {
            skill: SKILL_WEIGHTS.get(skill, ROUTINE_WEIGHT) for skill in sorted(self.plans)
        }
        self.fillers: dict[str, Callable[[], tuple[str, str]]] = {
            "thing": self.thing,
            "kind": self.kind,
            "place": self.place,
            "at": self.place,
            "on": self.place,
            "person": self.person,
            "colour": self.colour,
            "metres": self.metres,
            "degrees": self.degrees,
            "seconds": self.seconds,
            "text": self.text,
            "threat": lambda: self.any_of(self.words.threats),
            "victim": lambda: self.any_of([*self.words.victims, *self.words.persons]),
            "excuse": lambda: self.any_of(self.words.excuses),
            "unknown": self.unknown,
            "nowhere": lambda: self.any_of(self.words.unknown_places),
            "far": self.far,
            "long": self.long,
        }
        # What differs from another slot's filling, by that slot.
        self.others = {
            "elsewhere": "place",
            **{f"other_{slot}": slot for slot in ("thing", "metres", "degrees", "seconds")},
        }

    def any_of(self, words: list[str]) -> tuple[str, str]:
        """Return words that no plan repeats."""
        return "", self.rng.choice(words)

    def thing(self) -> tuple[str, str]:
        """Return a known thing as the plan language writes it, and as people say it."""
        kind = self.rng.choice(list(self.words.kinds))
        surface = self.rng.choice(self.words.kinds[kind])
        if self.rng.random() < NEW:
            kind = surface = f"thing{self.rng.randint(1, STAND_INS)}"
        colour, shade = self.colour() if self.rng.random() < 0.65 else ("", "")
        return f"{colour} {kind}".strip(), self.noun(shade, surface)

    def kind(self) -> tuple[str, str]:
        """Return a kind of thing, and its bare name (with an article in English)."""
        kind = self.rng.choice(list(self.words.kinds))
        name = self.rng.choice(self.words.kinds[kind])
        return kind, name if self.is_chinese else f"the {name}"

    def colour(self) -> tuple[str, str]:
        colour = self.rng.choice(list(self.words.colours))
        shades = self.words.colours[colour]
        return colour, self.rng.choice(shades[:2] if self.rng.random() < 0.8 else shades)

    def noun(self, shade: str, noun: str) -> str:
        """Put a colour, a measure word or an article and a label round a noun."""
        measure = self.rng.choice(self.words.measures)
        label = self.label() if self.rng.random() < LABELLED and not self._is_label else ""
        if self.is_chinese:
            of = "的" if shade and self.rng.random() < 0.6 else ""
            return measure + label + shade + of + noun
        if measure == "a" and (shade or noun)[0] in "aeiou":
            measure = "an"
        return " ".join(word for word in (measure, shade, noun, label) if word)

    def label(self) -> str:
        """Return how one says what is written on a thing: anything, orders too."""
        self._is_label = True
        roll = self.rng.random()
        if roll < 0.45:
            quote = self.step().sentence
        elif roll < 0.7:
            quote = self.refusal(self.rng.choice(("refuse unsafe", *REFUSAL_WEIGHTS))).sentence
        else:
            quote = self.text()[1]
        self._is_label = False
        quote = re.sub("[\"'“”‘’「」]", "", quote)
        marks = self.rng.choice(self.words.quotation_marks)
        return self.rng.choice(self.words.labels).replace("{quote}", marks.format(quote))

    def place(self) -> tuple[str, str]:
        """Return a known place, and its bare name (with an article in English)."""
        place = self.rng.choice(list(self.words.places))
        names = self.words.places[place]
        name = names[0] if self.rng.random() < 0.5 else self.rng.choice(names)
        if self.rng.random() < NEW:
            place = name = f"place{self.rng.randint(1, STAND_INS)}"
        if self.is_chinese:
            return place, self.rng.choice(
                ("", "", "", "那张" if place == "table" else "那个")
            ) + name
        return place, self.rng.choice(("the ", "the ", "the ", "the ", "", "that ", "my ")) + name

    def locative(self, slot: str, name: str) -> str:
        """Add where by the place: 桌子旁边, 桌上, `on`."""
        if not self.is_chinese:
            return name if slot == "at" else str(self.rng.choice(self.words.on))
        suffix = self.rng.choice(self.words.at if slot == "at" else self.words.on)
        return name.removesuffix("子") + suffix if suffix == "上" else name + suffix

    def person(self) -> tuple[str, str]:
        return "person", self.rng.choice(self.words.persons)

    def metres(self) -> tuple[str, str]:
        tenths = self.rng.choice((5, 10, 10, 15, 20, 20, 25, 30, 40, 50, self.rng.randint(1, 99)))
        word = metres_zh if self.is_chinese else metres_en
        return plain(tenths / 10), word(self.rng, tenths)

    def degrees(self) -> tuple[str, str]:
        usual = (30, 45, 60, 90, 90, 120, 180, 270, 360)
        degrees = self.rng.choice((*usual, self.rng.randint(1, 72) * 5, self.rng.randint(1, 360)))
        word = degrees_zh if self.is_chinese else degrees_en
        return str(degrees), word(self.rng, degrees)

    def seconds(self) -> tuple[str, str]:
        seconds = self.rng.choice((1, 2, 3, 5, 5, 10, 10, 30, 60, self.rng.randint(1, 60)))
        word = seconds_zh if self.is_chinese else seconds_en
        return str(seconds), word(self.rng, seconds)

    def far(self) -> tuple[str, str]:
        """Return a distance that no plan can hold."""
        n = self.rng.choice(
            (10, 12, 15, 20, 30, 50, 80, 100, 100, 200, 500, 900, self.rng.randint(10, 999))
        )
        if not self.is_chinese:
            unit = self.rng.choice(("metres", "meters", "m", "km", "miles", "kilometres"))
            return "", self.rng.choice(
                (f"{n} {unit}", f"{number_en(n)} {unit.replace('km', 'metres')}")
            )
        unit = self.rng.choice(("米", "米", "公里", "千米", "公尺", "里"))
        return "", self.rng.choice((str(n), number_zh(n))) + unit

    def long(self) -> tuple[str, str]:
        """Return a duration that no plan can hold."""
        n = self.rng.choice((2, 3, 5, 10, 20, 30, 45))
        if not self.is_chinese:
            unit = self.rng.choice(("hours", "minutes", "days", "years", "weeks"))
            return "", self.rng.choice(
                (f"{n} {unit}", f"{number_en(n)} {unit}", "an hour", "forever")
            )
        unit = self.rng.choice(("小时", "分钟", "天", "年", "个小时"))
        count = "两" if n == 2 else number_zh(n)
        return "", self.rng.choice((str(n) + unit, count + unit, "一个小时", "一万年"))

    def text(self) -> tuple[str, str]:
        """Return words to be said: set phrases, or any words in a row."""
        if self.rng.random() < 0.55:
            text = self.rng.choice(self.words.texts)
        elif self.is_chinese:
            text = "".join(self.rng.choices(self.words.syllables, k=self.rng.randint(2, 8)))
        else:
            text = " ".join(self.rng.choices(self.words.syllables, k=self.rng.randint(1, 5)))
        return text, text

    def unknown(self) -> tuple[str, str]:
        """Return a thing the eyes have not learnt, or a known kind in a colour they have not."""
        if self.rng.random() < 0.12:
            kind = self.rng.choice(list(self.words.kinds))
            shade = self.rng.choice(self.words.other_colours)
            return "", self.noun(shade, self.rng.choice(self.words.kinds[kind]))
        shade = self.rng.choice(list(self.words.colours.values()))[0]
        noun = self.rng.choice(self.words.unknown_things)
        return "", self.noun(shade if self.rng.random() < 0.25 else "", noun)

    def wording(self, ways: list[str]) -> str:
        """Choose a way to say something; one that is many ways in one is likelier."""
        way = self.rng.choices(ways, [3 if "[" in way else 1 for way in ways])[0]
        way = OPTIONAL.sub(lambda part: part[1] if self.rng.random() < 0.5 else "", way)
        return EITHER.sub(lambda part: self.rng.choice(part[1].split("|")), way)

    def fill(self, plan: str, wording: str) -> Example:
        """Fill the slots of a plan and its wording with the same things."""
        slots = sorted({*SLOT.findall(plan + wording)})
        values = {slot: self.fillers[slot]() for slot in slots if slot in self.fillers}
        for slot in ("at", "on"):
            if slot in values:
                values.setdefault("place", values[slot])
                said = values["place"][1] if slot == "at" or self.is_chinese else ""
                values[slot] = (values["place"][0], self.locative(slot, said))
        if "shade" in slots:
            values["shade"] = ("", values["colour"][1])
        if "other_shade" in slots:
            values["other_shade"] = self.another("colour", values["colour"])
        if {"kinds", "kind_bare"} & {*slots}:
            bare = values.setdefault("kind", self.fillers["kind"]())[1].removeprefix("the ")
            values["kind_bare"], values["kinds"] = ("", bare), ("", plural(bare))
        for slot, like in self.others.items():
            if slot in slots:
                values[slot] = self.another(like, values.get(like, ("", "")))
        return Example(
            SLOT.sub(lambda match: values[match[1]][1], wording),
            SLOT.sub(lambda match: values[match[1]][0], plan),
        )

    def another(self, slot: str, value: tuple[str, str]) -> tuple[str, str]:
        """Return a filling that differs from another one."""
        while (other := self.fillers[slot]())[0] == value[0]:
            pass
        return other

    def step(self) -> Example:
        """Return one step (or a set phrase of several)."""
        if self.rng.random() < POINTED:
            return self.pointed()
        skill = self.rng.choices(list(self.weights), list(self.weights.values()))[0]
        plans = self.plans[skill]
        weights = [4 + len(self.steps[plan]) for plan in plans]
        plan = self.rng.choices(plans, weights)[0]
        return self.fill(plan, self.wording(self.steps[plan]))

    def pointed(self) -> Example:
        """Return a step with a thing that was spoken of before: "it", "the other cup"."""
        verb = self.rng.choice(VERBS)
        roll = self.rng.random()
        if roll < 0.55:
            plan, words = "it", self.rng.choice(self.words.it)
        elif roll < 0.75:
            plan, words = "other", self.rng.choice(self.words.other)
        else:
            plan, words = "other {kind}", self.rng.choice(self.words.other_kind)
        ways = [way for way in self.words.steps[f"{verb} {{thing}}"] if "{on}" not in way]
        # "The other {kind}" brings its own article.
        wording = self.wording(ways).replace("{thing}", words)
        example = self.fill(f"{verb} {plan}", wording)
        return Example(TWO_ARTICLES.sub(r"\1", example.sentence), example.plan)

    def turned_round(self, first: Example, second: Example) -> str | None:
        """Word two steps with the later one first, or return None if their kind forbids it."""
        movements = ("go", "turn", "point", "wave", "bow", "dance", "act1", "wait")
        for part in (first, second):
            if ";" in part.plan or part.plan.split()[0] not in movements:
                return None
        a, b = first.sentence, second.sentence
        ways: tuple[str, ...]
        if self.is_chinese:
            ways = (f"{b}之前先{a}", f"{a}之后再{b}", f"{b}，不过先{a}", f"{a}了再{b}")
            ways += (f"{b}，但在那之前{a}", f"{a}以后{b}", f"等你{a}了，就{b}", f"{b}前，{a}")
        else:
            ways = (f"before you {b}, {a}", f"{a} before you {b}", f"{b}, but first {a}")
            ways += (f"after you {a}, {b}", f"{b} after you {a}", f"{b}, but {a} before that")
            ways += (f"once you {a}, {b}", f"{b} as soon as you have done this: {a}")
        return self.rng.choice(ways)

    def refusal(self, plan: str) -> Example:
        """Return a step that no plan can do, with why."""
        return self.fill(plan, self.wording(self.refusals[plan]))

    def chain(self, parts: list[Example]) -> str:
        """Join the wordings of several steps."""
        sentence = parts[0].sentence
        if len(parts) > 1:
            sentence = self.rng.choice(self.words.first) + sentence
        joint = self.rng.choice(self.words.joints)
        for part in parts[1:]:
            if self.rng.random() < 0.5:
                joint = self.rng.choice(self.words.joints)
            # "Before you" would turn the order of the steps round.
            safe = " and then " if "before" in joint else joint
            sentence += safe + part.sentence
        return sentence

    def order(self) -> Example:
        """Return a whole sentence: courtesy, one or more steps, an ending."""
        make = {
            "whole": self.whole,
            "steps": self.several,
            "cannot": self.cannot,
            "unsafe": self.unsafe,
            "harmless": self.harmless,
            "negation": self.negation,
            "meant": self.correction,
            "again": lambda: self.fill("again", self.wording(self.steps["again"])),
        }
        kind = self.rng.choices(list(ORDERS), list(ORDERS.values()))[0]
        example = make[kind]()
        if example.plan.count(";") >= STEPS_MAX:
            return self.order()
        if kind == "whole" and self.rng.random() < 0.85:
            return example
        return Example(self.courteous(example, is_answer=kind == "meant"), example.plan)

    def whole(self) -> Example:
        """Return a sentence as somebody said it, or two in a row."""
        first, second = (self.rng.choice(self.words.whole) for _ in range(2))
        example = self.fill(first.plan, first.sentence)
        ends = ("refuse", "ask", "stop", "mean", "again")
        if self.rng.random() > 0.12 or first.plan.split("; ")[-1].startswith(ends):
            return example
        if second.plan.startswith(("mean", "ask", "stop")) or "text1" in second.sentence:
            return example
        after = self.fill(second.plan, second.sentence)
        plan = f"{example.plan}; {after.plan}"
        if after.plan == "refuse unsafe":
            plan = after.plan
        return Example(self.chain([example, after]), plan)

    def several(self) -> Example:
        """Return one or more steps that the robot can do."""
        count = self.rng.choices(*zip(*STEP_COUNTS, strict=True))[0]
        parts: list[Example] = []
        while sum(part.plan.count(";") + 1 for part in parts) < count:
            parts.append(self.step())
        words = None
        if len(parts) == 2 and self.rng.random() < 0.2:
            words = self.turned_round(*parts)
        return Example(words or self.chain(parts), "; ".join(part.plan for part in parts))

    def cannot(self) -> Example:
        """Return what cannot be done, alone or after steps that can; the plan ends there."""
        plan = self.rng.choices(list(REFUSAL_WEIGHTS), list(REFUSAL_WEIGHTS.values()))[0]
        refusal = self.refusal(plan)
        if plan == "ask what":
            return refusal
        before = [self.step() for _ in range(self.rng.choice((0, 0, 0, 0, 1, 1, 2)))]
        after = [self.step() for _ in range(self.rng.choice((0, 0, 0, 0, 1)))]
        plans = [part.plan for part in (*before, refusal)]
        return Example(self.chain([*before, refusal, *after]), "; ".join(plans))

    def unsafe(self) -> Example:
        """Return an order that would do harm, alone or hidden among harmless ones."""
        refusal = self.refusal("refuse unsafe")
        before = [self.step() for _ in range(self.rng.choice((0, 0, 0, 0, 1, 2)))]
        after = [self.step() for _ in range(self.rng.choice((0, 0, 0, 0, 1)))]
        return Example(self.chain([*before, refusal, *after]), refusal.plan)

    def harmless(self) -> Example:
        """Return an order that sounds as if it would do harm."""
        plan, ways = self.rng.choice(
            [(plan, way) for plan, ways in self.words.harmless.items() for way in ways]
        )
        example = self.fill(plan, self.wording([ways]))
        if plan.startswith("refuse") or self.rng.random() < 0.7:
            return example
        other = self.step()
        parts = self.rng.choice(([example, other], [other, example]))
        return Example(self.chain(parts), "; ".join(part.plan for part in parts))

    def negation(self) -> Example:
        """Return what not to do, and mostly what to do instead."""
        no, yes = self.step(), self.step()
        while no.plan == yes.plan or ";" in no.plan or no.plan.startswith(("stop", "say")):
            no, yes = self.step(), self.step()
        wording = self.rng.choice(self.words.negations)
        sentence = wording.replace("{no}", no.sentence).replace("{yes}", yes.sentence)
        return Example(sentence, yes.plan if "{yes}" in wording else "stop")

    def correction(self) -> Example:
        """Return an answer to a question, or what was meant instead of what was understood."""
        plans = list(self.words.meant)
        weights = [len(self.words.meant[plan]) for plan in plans]
        plan = self.rng.choices(plans, weights)[0]
        return self.fill(f"mean {plan}", self.wording(self.words.meant[plan]))

    def courteous(self, example: Example, *, is_answer: bool) -> str:
        """Put courtesy before and after a sentence."""
        words, rng = self.words, self.rng
        sentence, plan = example.sentence, example.plan
        starts = words.question_start if QUESTION.search(sentence) else words.polite_start
        ends = words.question_end if QUESTION.search(sentence) else words.polite_end
        if '"' in plan.rpartition("; ")[2]:
            ends = ["", "", ".", "!"]
        if is_answer:
            starts, ends = ["", "", "", starts[-1]], ["", "", ".", "。" if self.is_chinese else "!"]
        preface = rng.choice(words.prefaces) if rng.random() < 0.07 and not is_answer else ""
        return preface + rng.choice(starts) + sentence + rng.choice(ends)


def _with_it(plan: str) -> str:
    """Call the thing of a later step `it`: that is what the draft of any such order does."""
    first, *later = plan.split("; ")
    return "; ".join([first, *(step.replace("{thing}", "it") for step in later)])


def plural(noun: str) -> str:
    """Return the plural of a thing's English name, and any other language's name as it is."""
    if not noun.isascii():
        return noun
    return noun + ("es" if noun.endswith(("s", "x", "sh", "ch")) else "s").replace("fs", "ves")


def examples(seed: int) -> Iterator[Example]:
    """Yield sentences without end, about half Chinese (simplified), half English.

    The same seed gives the same stream. What is held out for the bench is never among them.
    """
    rng = random.Random(seed)
    speakers = (Speaker(rng, "zh"), Speaker(rng, "en"))
    while True:
        speaker = speakers[rng.random() < 0.48]
        example = speaker.order()
        sentence = smudge(
            rng, example.sentence, is_chinese=speaker.is_chinese, is_exact=is_exact(example)
        )
        example = Example(sentence, example.plan)
        if rng.random() > RAW:
            example = _lifted(example)
        if len(example.sentence) <= 120 and fingerprint(example.sentence) not in held_out():
            yield _numbered(example)


def is_exact(example: Example) -> bool:
    """Whether a sentence holds words that are to be kept to the letter."""
    exact = (QUOTES.search(example.sentence), STAND_IN.search(example.sentence))
    return '"' in example.plan or any(exact)


def _lifted(example: Example) -> Example:
    """Lift quotations out, as is done with whatever the model reads; threats are judged raw."""
    sentence, meant = quotes.lift(example.sentence)
    if example.plan == "refuse unsafe":
        return example
    plan = example.plan
    for name, text in meant.items():
        plan = plan.replace(f'"{text}"', f'"{name}"')
    return Example(sentence, plan)


def _numbered(example: Example) -> Example:
    """Number stand-ins in the order in which a sentence names them."""
    numbers: dict[str, str] = {}
    for found in STAND_IN.finditer(example.sentence):
        of_sort = sum(name.startswith(found[1]) for name in numbers)
        numbers.setdefault(found[0], f"{found[1]}{of_sort + 1}")

    def number(found: re.Match[str]) -> str:
        return numbers.get(found[0], found[0])

    return Example(STAND_IN.sub(number, example.sentence), STAND_IN.sub(number, example.plan))
