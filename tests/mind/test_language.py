import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yanshi.core.errors import PlanError
from yanshi.core.messages import Plan
from yanshi.mind.language import (
    BETWEEN_STEPS,
    FIXED_SLOTS,
    SLOT,
    STEPS_MAX,
    TAUGHT,
    PlanLanguage,
)
from yanshi.skills.hand import Handover
from yanshi.skills.pick import Pick
from yanshi.skills.place import PutDown
from yanshi.skills.push import Push
from yanshi.worlds.floor_plan import FloorPlan, Place
from yanshi.worlds.home import build_home
from yanshi.worlds.things import COLOURS, KINDS

PLACES = ("table", "shelf", "door", "sofa", "plant")
SYNTAXES = {
    "go": ("{place}", "{thing}", "{person}", "forward {metres}", "back {metres}"),
    "turn": ("{thing}", "left {degrees}", "around"),
    "wave": ("",),
    "wait": ("{seconds}",),
    "say": ('"{text}"',),
    "refuse": ("unknown_thing",),
    "kung_fu": ("{turn} {turn}",),
}
LANGUAGE = PlanLanguage(SYNTAXES, PLACES)

PLAIN = st.characters(
    codec="utf-8", exclude_characters='"\\\u2028\u2029', exclude_categories=["Cc"]
)
SLOTS = {
    **{name: st.from_regex(rf"\A(?:{regex})\Z") for name, (_, regex) in FIXED_SLOTS.items()},
    "text": st.text(PLAIN, min_size=1, max_size=40).map('"{}"'.format),
    "place": st.sampled_from(PLACES),
    "thing": st.builds(
        lambda colour, kind: f"{colour} {kind}".strip(),
        st.sampled_from(("", *COLOURS)),
        st.sampled_from(KINDS),
    ),
}


@st.composite
def steps(draw):
    skill = draw(st.sampled_from(list(SYNTAXES)))
    way = draw(st.sampled_from(SYNTAXES[skill]))
    return f"{skill} {SLOT.sub(lambda slot: draw(SLOTS[slot[1]]), way)}".strip()


plans = st.lists(steps(), min_size=1, max_size=STEPS_MAX).map(BETWEEN_STEPS.join)


@settings(deadline=None)
@given(plans)
def test_every_plan_of_the_grammar_parses_and_prints_back(text):
    plan = LANGUAGE.parse(text)
    assert str(plan) == text
    assert LANGUAGE.parse(str(plan) + "\n") == plan


@settings(max_examples=200, deadline=None)
@given(plans, st.data())
def test_a_plan_with_one_character_changed_is_refused_or_is_another_plan(text, data):
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(blacklist_characters=text[at]))
    mutant = text[:at] + other + text[at + 1 :]
    try:
        plan = LANGUAGE.parse(mutant)
    except PlanError:
        return
    assert str(plan) == mutant.removesuffix("\n")


@given(st.text(max_size=60))
def test_whatever_parses_prints_back_and_everything_else_is_a_plan_error(text):
    try:
        plan = LANGUAGE.parse(text)
    except PlanError:
        return
    assert str(plan) == text.removesuffix("\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "go",
        "go moon",
        "go table;wave",
        "go table; ",
        "go table; wave;",
        " go table",
        "go  table",
        "GO table",
        "go pink cup",
        "go cup red",
        "go forward 0",
        "go forward 0.0",
        "go forward 10",
        "go forward 1.25",
        "go forward -1",
        "turn left 0",
        "turn left 361",
        "turn left 90.5",
        "wait 0",
        "wait 61",
        "say hello",
        'say ""',
        'say "a"b"',
        f'say "{"x" * 41}"',
        'say "a\nb"',
        'say "a\tb"',
        "wave; fly",
        "wave now",
        "; ".join(["wave"] * 7),
    ],
)
def test_what_is_not_a_plan_is_refused(text):
    with pytest.raises(PlanError):
        LANGUAGE.parse(text)


def test_an_error_says_where_it_went_wrong_and_what_would_work():
    with pytest.raises(PlanError, match=r"(?s)'go moon'.*'go \{place\}'.*table, shelf"):
        LANGUAGE.parse("wave; go moon")
    with pytest.raises(PlanError, match="no skill is called 'fly'.*go, turn, wave"):
        LANGUAGE.parse("fly")


def test_words_are_arguments_but_a_thing_and_a_text_are_one_each():
    plan = LANGUAGE.parse('go red cup; turn left 90; say "one; two"; kung_fu left right')
    assert [step.arguments for step in plan.steps] == [
        ("red cup",),
        ("left", "90"),
        ('"one; two"',),
        ("left", "right"),
    ]


def test_a_text_may_hold_what_separates_steps():
    assert len(LANGUAGE.parse('say "wave; wave"; wave').steps) == 2


def test_the_grammar_holds_every_skill_place_kind_and_colour():
    for word in (*PLACES, *KINDS, *COLOURS, *SYNTAXES):
        assert f'"{word}' in LANGUAGE.grammar


def test_every_rule_that_the_grammar_uses_is_defined_once():
    defined = re.findall(r"^([\w-]+) ::=", LANGUAGE.grammar, re.MULTILINE)
    used = set(re.findall(r"\b(?:skill|slot)-[\w-]+|\bstep\b", LANGUAGE.grammar))
    assert len(defined) == len(set(defined))
    assert used <= set(defined)
    assert all("_" not in name for name in defined)


def test_a_room_with_another_place_has_another_language():
    stove = Place(name="stove", centre=(0.0, 0.0), size=(1.0, 1.0), yaw=0.0, height=0.9)
    kitchen = FloorPlan(name="kitchen", size=(4.0, 4.0), places=(stove,), start=(0.0, 0.0, 0.0))
    language = PlanLanguage.of(kitchen)
    assert isinstance(language.parse("go stove"), Plan)
    with pytest.raises(PlanError):
        language.parse("go table")


def test_the_installed_skills_speak_the_documented_language():
    language = PlanLanguage.of(build_home(0).floor_plan)
    for text in (
        "go table; look table; dance",
        "go red cup; point red cup; go person",
        "go forward 1.5; go back 0.5; go left 1; go right 9.9",
        "turn left 90; turn right 45; turn around; turn plant; turn person",
        'look around; wave; bow; wait 3; say "good morning"; stop',
        "getup; dance",
        "ask which",
        "ask what",
        "ask where",
        "refuse impossible",
        "refuse unsafe",
        "refuse unknown_thing",
        "refuse unknown_place",
        "refuse unknown_skill",
    ):
        assert str(language.parse(text)) == text


def written(grammar: str, rule: str) -> str:
    """Return what a rule of a grammar writes, as a regular expression."""
    bodies = dict(re.findall(r"^([\w-]+) ::= (.*)$", grammar, re.MULTILINE))

    def expand(match: re.Match[str]) -> str:
        literal, name = match.groups()
        return re.escape(literal) if name is None else f"(?:{of(name)})"

    def of(name: str) -> str:
        return re.sub(
            r'"([^"]*)"|([\w-]+)|\s+', lambda m: expand(m) if m[0].strip() else "", bodies[name]
        )

    return of(rule)


@pytest.mark.parametrize("skill", TAUGHT)
@settings(deadline=None)
@given(data=st.data())
def test_every_step_about_hands_that_the_model_can_write_parses_and_prints_back(skill, data):
    """The model's grammar writes them, also where the robot has no such skill."""
    draft = LANGUAGE.draft
    assert skill not in LANGUAGE.syntaxes
    text = data.draw(st.from_regex(written(draft.grammar, f"skill-{skill}"), fullmatch=True))
    plan = draft.parse(text)
    assert str(plan) == text
    (step,) = plan.steps
    assert step.skill == skill
    assert len(step.arguments) in {len(way.split()) for way in TAUGHT[skill]}
    with pytest.raises(PlanError):
        LANGUAGE.parse(text)


def test_what_the_model_was_taught_of_hands_is_what_the_skills_take():
    assert Pick.syntax == TAUGHT["pick"]
    assert PutDown.syntax == TAUGHT["place"]
    assert Handover.syntax == TAUGHT["hand"]
    assert Push.syntax == TAUGHT["push"]


def test_where_a_thing_goes_is_an_argument_of_its_own():
    draft = LANGUAGE.draft
    for text, arguments in (
        ("place red cup in blue bowl", ("red cup", "in", "blue bowl")),
        ("place other cup on it", ("other cup", "on", "it")),
        ("place it there", ("it", "there")),
        ("carry thing1 place2", ("thing1", "place2")),
    ):
        assert draft.parse(text).steps[0].arguments == arguments


def test_a_robots_own_way_to_pick_is_its_language():
    odd = PlanLanguage({"pick": ("{thing} {seconds}",)}, PLACES)
    assert odd.draft.parse("pick cup 3").steps[0].arguments == ("cup", "3")
    with pytest.raises(PlanError):
        odd.draft.parse("pick cup")
