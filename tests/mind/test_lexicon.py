"""Words that were never taught are carried through the model by stand-ins."""

import pytest

from yanshi.core.errors import PlanError
from yanshi.mind.language import PlanLanguage
from yanshi.mind.lexicon import Lexicon, Word, put_back
from yanshi.worlds.home import build_home

DRAFT = PlanLanguage.of(build_home(0).floor_plan).draft
WINDOW = Word(name="window", sort="place", called=("window", "窗户", "窗"))
BED = Word(name="bed", sort="place", called=("bed", "床"))
CAR = Word(name="toy car", sort="thing", called=("toy car", "玩具车"))
DRUNKEN = Word(name="zuiquan", sort="act", called=("drunken fist", "醉拳"))
LATER = Word(name="refuse unknown_skill", sort="act", called=("backflip",))
LEXICON = Lexicon((WINDOW, BED, CAR, DRUNKEN, LATER))


@pytest.mark.parametrize(
    ("sentence", "lifted"),
    [
        ("走到窗户那边", "走到place1那边"),
        ("Go to the Window, then the bed", "Go to the place1, then the place2"),
        ("from the window to the bed to the window", "from the place1 to the place2 to the place1"),
        ("find the red toy cars", "find the red thing1"),
        ("embedded windows", "embedded place1"),
        ("看看床上有没有玩具车，再打一套醉拳", "看看place1上有没有thing1，再打一套act1"),
        ("go to the table", "go to the table"),
    ],
)
def test_new_words_are_lifted_out_of_a_sentence(sentence, lifted):
    assert LEXICON.lift(sentence)[0] == lifted


def test_names_come_back_into_the_plan_and_not_into_what_is_said():
    _, meant = LEXICON.lift("go to the bed, find the toy car, do the drunken fist")
    draft = DRAFT.parse('go place1; look red thing1; act1; say "act1"')
    assert str(put_back(draft, meant)) == 'go bed; look red toy car; zuiquan; say "act1"'


def test_a_routine_that_is_not_learnt_becomes_a_refusal():
    _, meant = LEXICON.lift("do a backflip")
    assert str(put_back(DRAFT.parse("act1"), meant)) == "refuse unknown_skill"


def test_a_stand_in_that_the_sentence_does_not_hold_is_no_plan():
    with pytest.raises(PlanError, match="place2"):
        put_back(DRAFT.parse("go place2"), {"place1": "bed"})


def test_more_new_words_than_there_are_stand_ins_stay_as_they_are():
    words = tuple(Word(name=f"p{n}", sort="place", called=(f"spot{n}",)) for n in range(5))
    assert Lexicon(words).lift("spot0 spot1 spot2 spot3")[0] == "place1 place2 place3 spot3"
