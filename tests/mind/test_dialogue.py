"""What sentences point at, found again; the drafts are what a model would write."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yanshi.mind.dialogue import HANDY, TOO_LONG, Context, Seen, Turn, settle
from yanshi.mind.language import TAUGHT, PlanLanguage
from yanshi.mind.replies import word_outcome
from yanshi.skills.skill import Outcome
from yanshi.worlds.home import build_home

LANGUAGE = PlanLanguage.of(build_home(0).floor_plan)
HANDS = replace(LANGUAGE, syntaxes={**LANGUAGE.syntaxes, **TAUGHT})
"""The language of a robot that has learnt everything about hands."""
DRAFT = LANGUAGE.draft


def context(things="", before="", asked="", holding=""):
    """Make a context from `red cup, blue ball` and from plans separated by `|`."""
    turns = [Turn(plan=DRAFT.parse(plan.strip())) for plan in before.split("|") if plan]
    if asked:
        turns[-1] = Turn(plan=turns[-1].plan, asked=asked)
    names = [name.strip() for name in things.split(",") if name]
    return Context(
        things=tuple(Seen(name=name) for name in names), turns=tuple(turns), holding=holding
    )


def settled(draft, **before):
    return str(settle(DRAFT.parse(draft), context(**before), LANGUAGE.places)[0])


@pytest.mark.parametrize(
    ("draft", "before", "plan"),
    [
        ("look red cup; go it", {}, "look red cup; go red cup"),
        ("go table; look it", {}, "go table; look table"),
        ("go it", {"before": "look walnut"}, "go walnut"),
        ("go it", {"before": "look walnut|go table"}, "go walnut"),
        ("point it", {"things": "blue ball"}, "point blue ball"),
        ("point it", {"things": "blue ball, red cup"}, "ask which"),
        ("point it", {}, "ask which"),
        ("go it", {"before": "go person"}, "ask which"),
        ("point it", {"holding": "red cup"}, "point red cup"),
        ("go other", {"before": "go red cup", "things": "red cup, green cup"}, "go green cup"),
        ("go other cup", {"before": "go red cup", "things": "red cup, green cup"}, "go green cup"),
        ("go other cup", {"before": "go red cup", "things": "red cup"}, "ask which"),
        (
            "look other cup",
            {"before": "go red cup", "things": "red cup, green cup, blue cup"},
            "ask which",
        ),
        ("point other", {"before": "go red cup", "things": "red cup, blue ball"}, "ask which"),
        ("go there", {"before": "look shelf"}, "go shelf"),
        ("go there; dance", {}, "ask where"),
        ("again", {"before": "go table; dance"}, "go table; dance"),
        ("again; wave", {"before": "bow"}, "bow; wave"),
        ("again", {}, "ask what"),
        ("again", {"before": "refuse unsafe"}, "ask what"),
    ],
)
def test_words_that_point_are_looked_up(draft, before, plan):
    assert settled(draft, **before) == plan


@pytest.mark.parametrize(
    ("draft", "before", "plan"),
    [
        ("mean blue", {"before": "go red cup"}, "go blue cup"),
        ("mean bowl", {"before": "go red cup"}, "go bowl"),
        ("mean shelf", {"before": "go table; look table; dance"}, "go shelf; look shelf; dance"),
        ("mean shelf", {"before": "dance; go table"}, "go shelf"),
        ("mean blue cup", {"before": "go table; look red cup"}, "look blue cup"),
        ("mean right", {"before": "turn left 90; wave"}, "turn right 90; wave"),
        ("mean back", {"before": "go forward 2"}, "go back 2"),
        ("mean 2 m", {"before": "go forward 1; bow"}, "go forward 2; bow"),
        ("mean 45 deg", {"before": "turn left 90"}, "turn left 45"),
        ("mean 10 s", {"before": "go door; wait 5"}, "wait 10"),
        ("mean person", {"before": "point table"}, "point person"),
        ("mean blue", {}, "ask what"),
        ("mean blue", {"before": "dance"}, "ask what"),
        ("mean 2 m", {"before": "turn left 90"}, "ask what"),
    ],
)
def test_a_correction_changes_the_plan_before_from_there_on(draft, before, plan):
    assert settled(draft, **before) == plan


@pytest.mark.parametrize(
    ("draft", "before", "plan"),
    [
        (
            "mean green",
            {"things": "red cup, green cup", "before": "bow; go cup; dance", "asked": "which"},
            "bow; go green cup; dance",
        ),
        (
            "mean red",
            {"things": "red cup, blue ball", "before": "go it; wave", "asked": "which"},
            "go red cup; wave",
        ),
        ("mean table", {"before": "go there; dance", "asked": "where"}, "go table; dance"),
        (
            "mean red",
            {
                "things": "red cup, green cup",
                "before": "go red cup|go cup; point it",
                "asked": "which",
            },
            "go red cup; point red cup",
        ),
        ("dance", {"before": "go cup", "asked": "which", "things": "red cup, green cup"}, "dance"),
    ],
)
def test_an_answer_continues_the_plan_that_waits(draft, before, plan):
    assert settled(draft, **before) == plan


@pytest.mark.parametrize("skill", ["go", "point", "turn"])
def test_what_fits_several_is_asked_for_and_looking_tells_of_all(skill):
    cups = {"things": "red cup, green cup"}
    assert settled(f"{skill} cup", **cups) == "ask which"
    assert settled("look cup", **cups) == "look cup"
    assert settled(f"{skill} red cup", **cups) == f"{skill} red cup"
    assert settled(f"{skill} cup", things="red cup, red cup") == f"{skill} cup"


def test_a_question_is_remembered_with_the_plan_that_waits():
    cups = context("red cup, green cup")
    _, turn = settle(DRAFT.parse("wave; go cup"), cups, LANGUAGE.places)
    assert turn.asked == "which"
    plan, _ = settle(DRAFT.parse("mean green"), cups.after(turn), LANGUAGE.places)
    assert str(plan) == "wave; go green cup"


def test_what_repeats_too_much_is_refused_and_not_cut():
    before = "; ".join(["wave; bow"] * 2)
    assert settled("again; dance", before=before) == "wave; bow; wave; bow; dance"
    assert settled("again; again", before=before) == "refuse too_many_steps"
    reply = Outcome(kind="refused", reason="refuse_too_many_steps")
    assert "6" in word_outcome(reply, "en")
    assert "6" in word_outcome(reply, "zh-Hans")


def test_one_unsafe_step_makes_the_whole_plan_a_refusal():
    assert settled("go table; refuse unsafe") == "refuse unsafe"


names = st.sampled_from(["red cup", "green cup", "blue ball", "walnut", "brown box"])
drafts = st.sampled_from(
    [
        *("go it", "look other", "point other cup", "turn there", "again", "mean red", "mean cup"),
        *("mean shelf", "mean left", "mean 3 m", "go cup; look it", "dance; again", "mean person"),
        *("go table; mean 5 s", 'say "it"; go there', "look around; point it", "mean it"),
    ]
)
befores = st.lists(
    st.sampled_from(
        ["go cup", "look red cup; go it", "turn left 90", "wait 5", "dance", "go there", "ask what"]
    ),
    max_size=3,
)


@settings(deadline=None)
@given(drafts, st.lists(names, max_size=4), befores, st.sampled_from(["", "which", "where"]))
def test_whatever_was_said_before_the_plan_is_one_that_can_be_carried_out(
    draft, things, before, asked
):
    where = context(", ".join(things), "|".join(before), asked if before else "")
    plan, turn = settle(DRAFT.parse(draft), where, LANGUAGE.places)
    assert LANGUAGE.parse(str(plan)) == plan
    assert DRAFT.parse(str(turn.plan)) == turn.plan
    assert len(where.after(turn).turns) == len(before) + 1


def test_what_was_seen_last_is_it():
    cups = context("red cup, walnut", "look table")
    assert str(settle(DRAFT.parse("go it"), cups, LANGUAGE.places)[0]) == "ask which"
    one, two = cups.told(["walnut"]), cups.told(["walnut", "red cup"])
    assert str(settle(DRAFT.parse("go it"), one, LANGUAGE.places)[0]) == "go walnut"
    assert str(settle(DRAFT.parse("go it"), two, LANGUAGE.places)[0]) == "ask which"


def test_a_question_on_the_way_is_answered_from_its_step_on():
    cups = context("red cup, green cup", "bow; go cup; dance")
    asked = cups.asking("which", LANGUAGE.parse("go cup").steps[0])
    answer, _ = settle(DRAFT.parse("mean green"), asked, LANGUAGE.places)
    assert str(answer) == "go green cup; dance"


@pytest.mark.parametrize(
    ("draft", "before", "plan"),
    [
        ("pick red cup; place it table", {}, "pick red cup; place red cup table"),
        ("pick cup; go shelf; place it there", {}, "pick cup; go shelf; place cup shelf"),
        ("go table; pick it", {"before": "look walnut"}, "go table; pick walnut"),
        ("pick it", {"before": "look walnut|go table"}, "pick walnut"),
        ("pick it", {"before": "go table"}, "ask which"),
        ("pick it", {"things": "blue ball"}, "pick blue ball"),
        ("push it", {"things": "blue ball, red cup"}, "ask which"),
        ("hand it", {"holding": "red cup", "before": "look walnut"}, "hand red cup"),
        ("go it", {"holding": "red cup", "before": "look walnut"}, "go walnut"),
        ("place it", {"holding": "red cup", "things": "walnut, blue ball"}, "place red cup"),
        (
            "look walnut; place it table",
            {"holding": "red cup"},
            "look walnut; place walnut table",
        ),
        ("place it in bowl", {"holding": "red cup"}, "place red cup in bowl"),
        (
            "place apple in other bowl",
            {"before": "go red bowl", "things": "red bowl, blue bowl"},
            "place apple in blue bowl",
        ),
        ("carry it there", {"holding": "red cup", "before": "go shelf"}, "carry red cup shelf"),
        ("carry walnut there", {}, "ask where"),
        ("carry walnut there", {"before": "look red cup"}, "ask where"),
        (
            "pick other",
            {"before": "pick red cup", "things": "red cup, green cup"},
            "pick green cup",
        ),
        ("place cup in bowl", {"things": "red bowl, blue bowl"}, "ask which"),
        ("place red cup table", {"things": "red cup, green cup"}, "place red cup table"),
    ],
)
def test_words_that_point_are_looked_up_for_hands(draft, before, plan):
    assert settled(draft, **before) == plan


@pytest.mark.parametrize(
    ("draft", "before", "plan"),
    [
        ("mean blue", {"before": "pick red cup"}, "pick blue cup"),
        ("mean walnut", {"before": "hand red cup"}, "hand walnut"),
        ("mean shelf", {"before": "place red cup table"}, "place red cup shelf"),
        ("mean shelf", {"before": "carry red cup table; bow"}, "carry red cup shelf; bow"),
        ("mean green", {"before": "place red cup table"}, "place green cup table"),
        ("mean apple", {"before": "place red cup in red bowl"}, "place apple in red bowl"),
        ("mean tray", {"before": "place red cup in red bowl"}, "place red cup in tray"),
        ("mean blue bowl", {"before": "place cup on tray"}, "place cup on blue bowl"),
        ("mean blue bowl", {"before": "place cup table"}, "place blue bowl table"),
        (
            "mean blue",
            {"before": "pick red cup; place red cup table"},
            "pick blue cup; place blue cup table",
        ),
        (
            "mean shelf",
            {"before": "go table; pick red cup; place red cup table"},
            "go shelf; pick red cup; place red cup shelf",
        ),
        ("mean there", {"before": "go shelf; place cup table"}, "place cup table"),
        ("mean shelf", {"before": "pick red cup"}, "ask what"),
        ("mean there", {"before": "pick red cup"}, "ask what"),
        ("mean person", {"before": "pick red cup"}, "ask what"),
        ("mean left", {"before": "push red cup"}, "ask what"),
        ("mean 2 m", {"before": "carry red cup table"}, "ask what"),
    ],
)
def test_a_correction_changes_the_thing_or_where_it_goes(draft, before, plan):
    assert settled(draft, **before) == plan


@pytest.mark.parametrize("skill", ["go", "pick"])
@pytest.mark.parametrize("word", ["it", "other"])
def test_an_answer_that_fits_nothing_is_asked_again_and_the_plan_still_waits(skill, word):
    cups = context("red cup, blue ball")
    _, turn = settle(DRAFT.parse(f"{skill} {word}; bow"), cups, LANGUAGE.places)
    assert turn.asked == "which"
    cups = cups.after(turn)
    question, turn = settle(DRAFT.parse("mean green"), cups, LANGUAGE.places)
    assert str(question) == "ask which"
    plan, _ = settle(DRAFT.parse("mean red"), cups.after(turn), LANGUAGE.places)
    assert str(plan) == f"{skill} red cup; bow"


handled = st.sampled_from(
    ["red cup", "green cup", "cup", "walnut", "red bowl", "tray", "it", "other", "other cup"]
)
where = st.sampled_from(["table", "shelf", "there"])
handy = st.one_of(
    st.builds("{} {}".format, st.sampled_from(["pick", "place", "hand", "push", "go"]), handled),
    st.builds("{} {} {}".format, st.sampled_from(["place", "carry"]), handled, where),
    st.builds("place {} {} {}".format, handled, st.sampled_from(["in", "on"]), handled),
    where.map("go {}".format),
)
meant = st.sampled_from(["blue", "red cup", "it", "shelf", "there", "other", "tray", "person"])
orders = st.one_of(handy, handy, meant.map("mean {}".format), st.just("again"))
order = st.lists(orders, min_size=1, max_size=3).map("; ".join)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(order, min_size=1, max_size=4),
    st.lists(names, max_size=4),
    st.sampled_from(["", "red cup", "walnut"]),
)
def test_in_whatever_talk_about_hands_nothing_is_left_open_but_what_is_asked(said, things, holding):
    """What one order leaves behind is where the next one begins."""
    talk = context(", ".join(things), holding=holding)
    for draft in said:
        plan, turn = settle(DRAFT.parse(draft), talk, LANGUAGE.places)
        talk = talk.after(turn)
        if plan == TOO_LONG:
            continue
        # The language of what is done has no word that points elsewhere …
        assert HANDS.parse(str(plan)) == plan
        # … and what is remembered has none that points at an order before it.
        assert not {"again", "mean"} & {step.skill for step in turn.plan.steps}
        assert DRAFT.parse(str(turn.plan)) == turn.plan


@settings(deadline=None)
@given(handy)
def test_who_knows_of_nothing_asks_back_and_touches_nothing(draft):
    plan = str(settle(DRAFT.parse(draft), Context(), LANGUAGE.places)[0])
    if {"it", "other", "there"} & set(draft.split()):
        assert plan in ("ask which", "ask where")
    else:
        assert plan == draft


def test_handy_skills_are_those_that_were_taught():
    assert set(TAUGHT) == HANDY
