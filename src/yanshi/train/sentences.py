"""Sentences to learn from: an endless, seeded stream of orders and the plans they mean.

A sentence is made the way people make them: pick what is meant (a plan), pick a wording for each
step, join the steps, add courtesy, and be a little careless. `phrases/zh.toml` and `en.toml` hold
the wordings.
"""

import random
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from yanshi.control.routine import Title
from yanshi.mind.stop_words import is_order_for
from yanshi.policies.repertoire import repertoire

SLOT = re.compile(r"\{(\w+)\}")
OPTIONAL = re.compile(r"(\[[^\[\]]*\]|[\u4e00-\u9fff，：])\?")
EITHER = re.compile(r"\[([^\[\]]*)\]")
QUESTION = re.compile(r"哪|什么|吗$|有啥|有没有|^(where|what|is |do |can |have )")
DIGITS_ZH = "零一二三四五六七八九"
ONES_EN = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen"),
)
TENS_EN = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")

# Share of each skill among the steps; the rest of a skill's weight is shared by its plans.
SKILL_WEIGHTS = {
    **{"go": 30, "look": 22, "turn": 13, "point": 8, "say": 6},
    **{"wave": 5, "dance": 5, "wait": 5, "bow": 4, "getup": 2, "stop": 2},
}
ROUTINE_WEIGHT = 2
"""As much of each routine that the robot has learnt."""
REFUSAL_WEIGHTS = {
    **{"refuse unknown_thing": 26, "refuse unknown_skill": 20, "refuse unknown_place": 14},
    **{"refuse impossible": 13, "refuse unsafe": 13},
    **{"ask what": 7, "ask which": 5, "ask where": 5},
}
STEP_COUNTS = ((1, 50), (2, 26), (3, 17), (4, 5), (5, 1), (6, 1))


@dataclass(frozen=True, slots=True)
class Example:
    """One sentence and the plan it means, both as text."""

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
    perform: list[str]
    refusals: dict[str, list[str]]
    polite_start: list[str]
    polite_end: list[str]
    question_end: list[str]
    joints: list[str]
    first: list[str]
    texts: list[str]
    syllables: list[str]
    unknown_things: list[str]
    unknown_places: list[str]


@cache
def load_phrases(language: str) -> Phrases:
    """Read the tables of `zh` or `en`."""
    path = Path(__file__).parent / "phrases" / f"{language}.toml"
    return Phrases(**tomllib.loads(path.read_text(encoding="utf8")))


def _learnt_routines() -> dict[str, Title]:
    return {name: piece.title for name, piece in repertoire().items() if piece.is_learnt}


def _routine_steps(language: str, ways: list[str]) -> dict[str, list[str]]:
    """Return how each routine that the robot has learnt is asked for, by its plan."""
    return {
        name: [way.replace("{routine}", word) for word in title.asked[language] for way in ways]
        for name, title in _learnt_routines().items()
    }


def _still_refused(refusals: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return the refusals without those of routines that the robot has learnt since."""
    titles = _learnt_routines().values()
    return {
        plan: [way for way in ways if not any(is_order_for(title.words, way) for title in titles)]
        for plan, ways in refusals.items()
    }


def number_zh(n: int) -> str:
    """Write 0 to 9999 in Chinese."""
    if n < 10:
        return DIGITS_ZH[n]
    if n < 20:
        return "十" + (DIGITS_ZH[n % 10] if n % 10 else "")
    for unit, name in ((1000, "千"), (100, "百"), (10, "十")):
        if n >= unit:
            rest = n % unit
            gap = "零" if rest and rest < unit // 10 else ""
            tail = number_zh(rest) if rest else ""
            if gap == "" and unit == 100 and 10 <= rest < 20:
                tail = "一" + tail
            return DIGITS_ZH[n // unit] + name + gap + tail
    raise AssertionError(n)


def number_en(n: int) -> str:
    """Write 0 to 999 in English."""
    if n < 20:
        return ONES_EN[n]
    if n < 100:
        return TENS_EN[n // 10] + ("-" + ONES_EN[n % 10] if n % 10 else "")
    tail = n % 100
    return ONES_EN[n // 100] + " hundred" + (" and " + number_en(tail) if tail else "")


def plain(value: float) -> str:
    """Write a number as the plan language does: at most one decimal, no trailing zero."""
    return f"{value:.1f}".removesuffix(".0")


def metres_zh(rng: random.Random, tenths: int) -> str:
    """Word a distance, given in tenths of a metre."""
    whole, tenth = divmod(tenths, 10)
    unit = rng.choice(("米", "米", "米", "公尺", "m"))
    count = "两" if whole == 2 else number_zh(whole)
    ways = [plain(tenths / 10) + unit]
    if tenth == 0:
        ways += [count + ("米" if unit == "m" else unit)] * 3
    elif whole == 0:
        ways += [
            f"{tenths * 10}{rng.choice(('厘米', '公分', 'cm'))}",
            number_zh(tenths * 10) + "厘米",
        ]
        ways += ["半米", "半公尺", "半米"] if tenth == 5 else []
    else:
        ways += [f"{count}米{number_zh(tenth)}", f"{number_zh(whole)}点{number_zh(tenth)}米"]
        ways += [f"{count}米半"] if tenth == 5 else []
    if tenth in (0, 5) and 0 < tenths <= 50:
        steps = tenths // 5
        ways += [("两" if steps == 2 else number_zh(steps)) + "步", f"{steps}步"]
    return rng.choice(ways)


def metres_en(rng: random.Random, tenths: int) -> str:
    """Word a distance, given in tenths of a metre."""
    whole, tenth = divmod(tenths, 10)
    many = "" if tenths == 10 else "s"
    unit = rng.choice((f"metre{many}", f"meter{many}", f"metre{many}", "m"))
    long_unit = f"metre{many}" if unit == "m" else unit
    ways = [f"{plain(tenths / 10)} {unit}"]
    if tenth == 0:
        ways += [f"{number_en(whole)} {long_unit}"] * 3 + (["a metre"] if whole == 1 else [])
    elif whole == 0:
        ways += [f"{tenths * 10} {rng.choice(('cm', 'centimetres', 'centimeters'))}"]
        ways += ["half a metre", "half a meter", "half a metre"] if tenth == 5 else []
    else:
        ways += [f"{number_en(whole)} point {number_en(tenth)} {long_unit}"]
        ways += [f"{number_en(whole)} and a half metres"] if tenth == 5 else []
    if tenth in (0, 5) and 0 < tenths <= 50:
        steps = tenths // 5
        ways += [f"{number_en(steps)} step" + ("s" if steps > 1 else "")]
    return rng.choice(ways)


def degrees_zh(rng: random.Random, degrees: int) -> str:
    """Word an angle."""
    ways = [f"{degrees}度", number_zh(degrees) + "度", f"{degrees}°"]
    ways += {90: ["四分之一圈", "一个直角"], 180: ["半圈"], 360: ["一圈"]}.get(degrees, [])
    return rng.choice(ways)


def degrees_en(rng: random.Random, degrees: int) -> str:
    """Word an angle."""
    ways = [f"{degrees} degrees", number_en(degrees) + " degrees", f"{degrees} deg", f"{degrees}°"]
    ways += {90: ["a quarter turn"], 180: ["half a turn"], 360: ["a full turn"]}.get(degrees, [])
    return rng.choice(ways)


def seconds_zh(rng: random.Random, seconds: int) -> str:
    """Word a duration."""
    count = "两" if seconds == 2 else number_zh(seconds)
    ways = [f"{seconds}秒", f"{count}秒", f"{seconds}秒钟", f"{count}秒钟"]
    ways += {30: ["半分钟"], 60: ["一分钟"]}.get(seconds, [])
    return rng.choice(ways)


def seconds_en(rng: random.Random, seconds: int) -> str:
    """Word a duration."""
    many = "" if seconds == 1 else "s"
    ways = [f"{seconds} second{many}", f"{number_en(seconds)} second{many}", f"{seconds} sec"]
    ways += {1: ["a second"], 30: ["half a minute"], 60: ["a minute"]}.get(seconds, [])
    return rng.choice(ways)


class Speaker:
    """One language's way of filling slots and joining steps."""

    def __init__(self, rng: random.Random, language: str) -> None:
        self.rng = rng
        self.words = load_phrases(language)
        self.is_chinese = language == "zh"
        self.last_thing = ""
        self.steps = self.words.steps | _routine_steps(language, self.words.perform)
        self.plans: dict[str, list[str]] = {}
        for plan in self.steps:
            self.plans.setdefault(plan.split()[0].rstrip(";"), []).append(plan)
        self.refusals = _still_refused(self.words.refusals)
        self.weights = {
            skill: SKILL_WEIGHTS.get(skill, ROUTINE_WEIGHT) for skill in sorted(self.plans)
        }
        self.fillers: dict[str, Callable[[], tuple[str, str]]] = {
            "thing": self.thing,
            "place": self.place,
            "at": self.place,
            "on": self.place,
            "person": self.person,
            "metres": self.metres,
            "degrees": self.degrees,
            "seconds": self.seconds,
            "text": self.text,
            "unknown": self.unknown,
            "nowhere": self.nowhere,
            "elsewhere": self.place,
            "far": self.far,
            "long": self.long,
        }

    def thing(self) -> tuple[str, str]:
        """Return a known thing as the plan language writes it, and as people say it."""
        kind = self.rng.choice(list(self.words.kinds))
        colour = self.rng.choice(list(self.words.colours)) if self.rng.random() < 0.65 else ""
        surface = self.rng.choice(self.words.kinds[kind])
        shade = ""
        if colour:
            shades = self.words.colours[colour]
            shade = self.rng.choice(shades[:2] if self.rng.random() < 0.8 else shades)
        return f"{colour} {kind}".strip(), self.noun(shade, surface)

    def noun(self, shade: str, noun: str) -> str:
        """Put a colour and a measure word or an article before a noun."""
        measure = self.rng.choice(self.words.measures)
        if self.is_chinese:
            return measure + shade + ("的" if shade and self.rng.random() < 0.6 else "") + noun
        if measure == "a" and (shade or noun)[0] in "aeiou":
            measure = "an"
        return " ".join(word for word in (measure, shade, noun) if word)

    def place(self) -> tuple[str, str]:
        """Return a known place, and its bare name (with an article in English)."""
        place = self.rng.choice(list(self.words.places))
        names = self.words.places[place]
        name = names[0] if self.rng.random() < 0.5 else self.rng.choice(names)
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

    def nowhere(self) -> tuple[str, str]:
        return "", self.rng.choice(self.words.unknown_places)

    def wording(self, ways: list[str]) -> str:
        """Choose a way to say something; one that is many ways in one is likelier."""
        way = self.rng.choices(ways, [3 if "[" in way else 1 for way in ways])[0]
        way = OPTIONAL.sub(lambda part: part[1] if self.rng.random() < 0.5 else "", way)
        return EITHER.sub(lambda part: self.rng.choice(part[1].split("|")), way)

    def fill(self, plan: str, wording: str) -> Example:
        """Fill the slots of a plan and its wording with the same things."""
        values = {slot: self.fillers[slot]() for slot in sorted({*SLOT.findall(plan + wording)})}
        for slot in ("at", "on"):
            if slot in values:
                values.setdefault("place", values[slot])
                said = values["place"][1] if slot == "at" or self.is_chinese else ""
                values[slot] = (values["place"][0], self.locative(slot, said))
        while "elsewhere" in values and values["elsewhere"][0] == values["place"][0]:
            values["elsewhere"] = self.place()
        self.last_thing = values["thing"][0] if "{thing}" in plan else ""
        return Example(
            SLOT.sub(lambda match: values[match[1]][1], wording),
            SLOT.sub(lambda match: values[match[1]][0], plan),
        )

    def step(self) -> Example:
        """Return one step (or a set phrase of several)."""
        skill = self.rng.choices(list(self.weights), list(self.weights.values()))[0]
        plans = self.plans[skill]
        weights = [4 + len(self.steps[plan]) for plan in plans]
        plan = self.rng.choices(plans, weights)[0]
        return self.fill(plan, self.wording(self.steps[plan]))

    def again(self) -> Example:
        """Return a step with the thing of the step before, called "it"."""
        plan = f"{self.rng.choice(('go', 'look', 'point', 'turn'))} {{thing}}"
        wordings = [text for text in self.words.steps[plan] if "{on}" not in text]
        pronouns = ("它", "它", "它", "那东西") if self.is_chinese else ("it", "it", "it", "that")
        wording = self.wording(wordings).replace("{thing}", self.rng.choice(pronouns))
        return Example(wording, plan.format(thing=self.last_thing))

    def turned_round(self, first: Example, second: Example) -> str | None:
        """Word two steps with the later one first, or return None if their kind forbids it."""
        movements = ("go", "turn", "point", "wave", "bow", "dance")
        for part in (first, second):
            if ";" in part.plan or part.plan.split()[0] not in movements:
                return None
        a, b = first.sentence, second.sentence
        if self.is_chinese:
            return str(
                self.rng.choice(
                    (f"{b}之前先{a}", f"{a}之后再{b}", f"{b}，不过先{a}", f"{a}了再{b}")
                )
            )
        return str(
            self.rng.choice(
                (
                    f"before you {b}, {a}",
                    f"{a} before you {b}",
                    f"{b}, but first {a}",
                    f"after you {a}, {b}",
                )
            )
        )

    def refusal(self) -> Example:
        """Return a step that no plan can do, with why."""
        plan = self.rng.choices(list(REFUSAL_WEIGHTS), list(REFUSAL_WEIGHTS.values()))[0]
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
        count = self.rng.choices(*zip(*STEP_COUNTS, strict=True))[0]
        if self.rng.random() < 0.3:
            parts = [self.step() for _ in range(min(count, 3) - 1)]
            refusal = self.refusal()
            plan = refusal.plan
            if plan == "ask what":
                parts = []
            # "It" and "there" after another step may mean something; before it they cannot.
            parts.insert(0 if plan.startswith("ask") else self.rng.randint(0, len(parts)), refusal)
        else:
            parts = []
            while sum(part.plan.count(";") + 1 for part in parts) < count:
                is_again = parts and self.last_thing and self.rng.random() < 0.3
                parts.append(self.again() if is_again else self.step())
            plan = "; ".join(part.plan for part in parts)
        if plan.count(";") > 5:
            return self.order()
        opens_with_question = QUESTION.search(parts[0].sentence) and self.rng.random() < 0.8
        start = "" if opens_with_question else self.rng.choice(self.words.polite_start)
        asks = QUESTION.search(parts[-1].sentence)
        ends_free = plan.startswith("say") or '"' in parts[-1].plan
        ends = ("", "", ".", "!") if ends_free else self.words.polite_end
        end = self.rng.choice(self.words.question_end if asks else ends)
        words = None
        if len(parts) == 2 and self.rng.random() < 0.15:
            words = self.turned_round(*parts)
        return Example(start + (words or self.chain(parts)) + end, plan)


def smudge(rng: random.Random, sentence: str, plan: str, is_chinese: bool) -> str:
    """Make a sentence as careless as people type: case, full stops, letters swapped or lost."""
    if is_chinese:
        if rng.random() < 0.15:
            sentence = re.sub(
                r"[，。！？：；、]", lambda m: rng.choice((" ", "", ",", m[0])), sentence
            )
        return sentence.strip()
    roll = rng.random()
    if '"' not in plan:
        if roll < 0.35:
            sentence = sentence[:1].upper() + sentence[1:]
        elif roll < 0.45:
            sentence = sentence.lower()
        elif roll < 0.48:
            sentence = sentence.upper()
    if rng.random() < 0.1:
        sentence = re.sub(r"[,.!?;:]", "", sentence)
    if rng.random() < 0.08 and '"' not in plan:
        at = rng.randrange(1, max(2, len(sentence) - 2))
        if sentence[at : at + 2].isalpha():
            swap = sentence[at + 1] + sentence[at] if rng.random() < 0.5 else sentence[at]
            sentence = sentence[:at] + swap + sentence[at + 2 :]
    return re.sub(r" {2,}", " ", sentence).strip()


def examples(seed: int) -> Iterator[Example]:
    """Yield sentences without end, about half Chinese (simplified), half English.

    The same seed gives the same stream.
    """
    rng = random.Random(seed)
    speakers = (Speaker(rng, "zh"), Speaker(rng, "en"))
    while True:
        speaker = speakers[rng.random() < 0.48]
        example = speaker.order()
        sentence = smudge(rng, example.sentence, example.plan, speaker.is_chinese)
        if len(sentence) <= 120:
            yield Example(sentence, example.plan)
