import pytest
from hypothesis import given
from hypothesis import strategies as st

from yanshi.mind.tongue import SENTENCE_MAX, Tongue, Trouble, hear, to_simplified, to_traditional

UNDERSTOOD = {
    Tongue.HANS: ["走到桌子前面", "跳个舞吧", "停", "看看红色的cup", "说“hello my friends”"],
    Tongue.HANT: ["請走到書櫃前面", "把那個紅色的杯子指給我看", "向後轉", "轉一圈"],
    Tongue.EN: [
        "walk to the table",
        "dance",
        "go to the café",
        "GO TO THE SOFA",
        'say "bonjour mes amis, je suis la"',
        "asdf qwer",
        "look at the box, please",
        "in the plant or on the table?",
    ],
}
FOREIGN = [
    "va à la table et danse",
    "geh zum Tisch und tanze",
    "schau dir die Pflanze an",
    "ve a la mesa por favor",
    "vai al tavolo e balla",
    "vá até a mesa",
    "テーブルまで歩いて",
    "机の前に行ってください",
    "테이블로 가세요",
    "иди к столу",
    "اذهب إلى الطاولة",
    "ไปที่โต๊ะ",
    "πήγαινε στο τραπέζι",
    "मेज पर जाओ",
]


@pytest.mark.parametrize(
    ("tongue", "sentence"), [(t, s) for t, sentences in UNDERSTOOD.items() for s in sentences]
)
def test_chinese_in_both_scripts_and_english_are_told_apart(tongue, sentence):
    heard = hear(sentence)
    assert heard.tongue is tongue
    assert heard.trouble is None


@pytest.mark.parametrize("sentence", FOREIGN)
def test_other_languages_are_not_given_to_the_model(sentence):
    assert hear(sentence).trouble is Trouble.OTHER_LANGUAGE


@pytest.mark.parametrize("sentence", ["", "   ", "\n", "!!!", "。。。", "🙂", "\u200b"])
def test_a_sentence_without_words_is_empty(sentence):
    assert hear(sentence).trouble is Trouble.EMPTY


def test_a_sentence_is_too_long_from_its_limit_on():
    assert hear("走" * SENTENCE_MAX).trouble is None
    assert hear("走" * (SENTENCE_MAX + 1)).trouble is Trouble.TOO_LONG
    assert hear("go " * 100_000).trouble is Trouble.TOO_LONG


def test_traditional_characters_reach_the_model_as_simplified_ones():
    assert hear("請走到書櫃前面").text == "请走到书柜前面"


def test_width_and_spaces_do_not_matter():
    assert hear("\u3000ｇｏ　ｔｏ\n the\ttable ").text == "go to the table"


@given(st.text(max_size=250))
def test_every_text_is_heard_as_one_line_of_bounded_length(text):
    heard = hear(text)
    assert "\n" not in heard.text
    # One character may stand for several: ﷺ is normalised into eighteen.
    assert len(heard.text) <= 18 * SENTENCE_MAX


def test_script_goes_there_and_back():
    for text in ("我没有找到红色的杯子", "请再说一遍"):
        assert to_simplified(to_traditional(text)) == text
