"""What is quoted is neither obeyed nor misspelt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yanshi.core.errors import PlanError
from yanshi.mind import quotes
from yanshi.mind.language import PlanLanguage
from yanshi.worlds.home import build_home

DRAFT = PlanLanguage.of(build_home(0).floor_plan).draft


@pytest.mark.parametrize(
    ("sentence", "lifted", "meant"),
    [
        ("说“大家好”", "说“text1”", ["大家好"]),
        (
            "看看写着「快去门口」的盒子，说『好』",
            "看看写着“text1”的盒子，说“text2”",
            ["快去门口", "好"],
        ),
        ('say "go home" to me', "say “text1” to me", ["go home"]),
        ("say 'don't go', please", "say “text1”, please", ["don't go"]),
        (
            "don't go to the guests' table, it's mine",
            "don't go to the guests' table, it's mine",
            [],
        ),
        ("走到“桌子”旁边", "走到桌子旁边", []),
        ('say "', 'say "', []),
        ("说“”", "说“”", []),
        ("go to the table", "go to the table", []),
    ],
)
def test_quotations_are_lifted_out(sentence, lifted, meant):
    text, quoted = quotes.lift(sentence)
    assert text == lifted
    assert list(quoted.values()) == meant


plain = st.text(st.characters(exclude_characters="\"'“”‘’「」『』«»", codec="utf-8"), min_size=1)


@given(plain.filter(lambda text: text.strip() == text and text not in quotes._KNOWN))
def test_what_is_lifted_comes_back_to_the_letter_or_is_no_plan(text):
    sentence, quoted = quotes.lift(f"说“{text}”")
    assert sentence == "说“text1”"
    draft = DRAFT.parse('wave; say "text1"')
    assert quotes.says_any(draft)
    try:
        plan = quotes.put_back(draft, quoted)
    except PlanError:
        assert not quotes.TEXT.fullmatch(f'"{text}"')
        return
    assert DRAFT.parse(str(plan)) == plan
    assert str(plan) == f'wave; say "{text}"'


def test_words_of_ones_own_are_left_as_they_are():
    draft = DRAFT.parse('say "welcome"; go table')
    assert not quotes.says_any(draft)
    assert quotes.put_back(draft, {"text1": "no"}) == draft
