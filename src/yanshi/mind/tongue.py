"""Which language is a sentence in, and can it be understood at all?

Chinese in either script and English are understood. Traditional characters are turned into
simplified ones before the model reads them, and replies go back in the user's own script.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

import opencc

SENTENCE_MAX = 200
"""Longest sentence that is read, in characters."""


class Tongue(StrEnum):
    """The language of a sentence; its value is the language's code."""

    HANS = "zh-Hans"
    HANT = "zh-Hant"
    EN = "en"
    OTHER = "other"
    """Neither Chinese nor English, or no words at all."""


class Trouble(StrEnum):
    """Why a sentence is not given to the model; its value is what `refuse` says."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    OTHER_LANGUAGE = "other_language"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A sentence, ready for the model."""

    text: str
    """Normalised: full width to half, one space at most, simplified characters."""
    tongue: Tongue
    trouble: Trouble | None = None


# Words that nearly every sentence of a language contains and the others do not.
_COMMON = {
    "en": (
        "the to and you me a an it is of on at in please go walk look turn can what where find "
        "point is my this that for then with are do up your stop dance wave bow wait say left "
        "right forward back around there here red green blue"
    ),
    "fr": (
        "le la les un une et vous moi va aller vers dans je tu est sur à s'il te plaît marche "
        "regarde tourne où quoi danse pour avec puis ton mon rouge vert bleu gauche droite voir "
        "salle porte au aux des du veuillez"
    ),
    "de": (
        "der die das dir an ein eine und du mir geh gehe zum zur ist auf in bitte schau dreh wo "
        "was tanz tanze für mit dann dein mein rot grün blau links rechts tisch tür sie ich "
        "nicht zu den dem einen vor nach siehst"
    ),
    "es": (
        "el la los las un una y tú me ve a ir hacia en por favor mira gira dónde qué baila para "
        "con luego tu mi rojo verde azul izquierda derecha mesa puerta camina está hay al del "
        "que"
    ),
    "it": (
        "il lo la gli un una e tu vai verso per favore guarda gira dove cosa balla con poi tuo "
        "mio rosso verde blu sinistra destra tavolo porta cammina sul alla che della"
    ),
    "pt": (
        "o os as um uma e você vá para por favor olhe vire onde que dance com depois seu meu "
        "vermelho verde azul esquerda direita mesa porta ande até não"
    ),
    "vi": "đi đến bàn tôi bạn hãy cái và trên nhìn",
    "nl": (
        "de het een en jij naar op alsjeblieft kijk draai waar wat dans met dan rood groen "
        "blauw tafel deur loop ga"
    ),
    "pl": "idź do na proszę i stół gdzie co jest zatańcz",
    "tr": "git masaya lütfen ve bir nerede ne dans et",
    "id": "pergi ke meja tolong dan di mana apa",
}
COMMON = {code: frozenset(words.split()) for code, words in _COMMON.items()}
HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
KANA = re.compile(r"[\u3041-\u30ff\uff66-\uff9f]")
LATIN = re.compile(r"[a-zA-Z\u00c0-\u024f\u1e00-\u1eff']+")
QUOTED = re.compile(r"[\"“”「『«].*[\"“”」』»]")
# French, German and others write words with these marks; English borrows few of them.
MARKED = re.compile(r"[à-öø-ÿāăąćčďđęěğıłńňőřśşšťůűźżžơưạ-ỹ]")


@cache
def _converter(name: str) -> Any:
    return opencc.OpenCC(name)


def to_simplified(text: str) -> str:
    """Turn traditional characters into simplified ones."""
    return str(_converter("t2s").convert(text))


def to_traditional(text: str) -> str:
    """Turn simplified characters into traditional ones."""
    return str(_converter("s2t").convert(text))


def hear(sentence: str) -> Heard:
    """Normalise a sentence, tell its language and whether it can be understood."""
    is_long = len(sentence) > SENTENCE_MAX
    text = unicodedata.normalize("NFKC", sentence[:SENTENCE_MAX])
    text = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text)
    text = " ".join(text.split())
    tongue = tongue_of(text)
    trouble = None
    if is_long:
        trouble = Trouble.TOO_LONG
    elif not any(c.isalpha() for c in text):
        trouble = Trouble.EMPTY
    elif tongue is Tongue.OTHER:
        trouble = Trouble.OTHER_LANGUAGE
    if tongue is Tongue.HANT:
        text = to_simplified(text)
    return Heard(text=text, tongue=tongue, trouble=trouble)


def tongue_of(text: str) -> Tongue:
    """Tell the language of a text by its characters and its commonest words."""
    # What is between quotation marks is to be repeated and may be in any language.
    own = QUOTED.sub(" ", text)
    text = own if any(c.isalpha() for c in own) else text
    letters = [c for c in text if c.isalpha()]
    han, latin = HAN.findall(text), sum(len(word) for word in LATIN.findall(text))
    if not letters:
        return Tongue.OTHER
    if len(letters) - len(han) - latin > 0.2 * len(letters) or KANA.search(text):
        return Tongue.OTHER
    # One character of Chinese says as much as a word of three letters or so.
    if 3 * len(han) >= latin:
        simplified = sum(a != b for a, b in zip(text, to_simplified(text), strict=False))
        traditional = sum(a != b for a, b in zip(text, to_traditional(text), strict=False))
        return Tongue.HANT if simplified > traditional else Tongue.HANS
    return _latin_tongue(text)


def _latin_tongue(text: str) -> Tongue:
    words = [word.lower() for word in LATIN.findall(text)]
    scores = {code: sum(word in known for word in words) for code, known in COMMON.items()}
    english = scores.pop("en")
    marks = sum(bool(MARKED.search(word)) for word in words)
    return Tongue.OTHER if max(scores.values()) + marks > english + 1 else Tongue.EN
