"""How carelessly people type, and how wrongly a recogniser of speech hears them."""

import random
import re
import tomllib
from pathlib import Path

TABLES = tomllib.loads(
    (Path(__file__).parent / "phrases" / "slips.toml").read_text(encoding="utf8")
)
HEARD_ZH: list[str] = TABLES["heard_zh"]
HEARD_EN: dict[str, str] = TABLES["heard_en"]
MIXED: dict[str, str] = TABLES["mixed"]


def smudge(rng: random.Random, sentence: str, *, is_chinese: bool, is_exact: bool) -> str:
    """Make a sentence as careless as people type: case, full stops, letters swapped or lost.

    Args:
        rng: Draws the slips.
        sentence: As it should be.
        is_chinese: Its language.
        is_exact: Whether it holds words that are to be repeated to the letter.
    """
    if is_chinese:
        sentence = _smudged_zh(rng, sentence, is_exact=is_exact)
    else:
        sentence = _smudged_en(rng, sentence, is_exact=is_exact)
    return re.sub(r" {2,}", " ", sentence).strip()


def _smudged_zh(rng: random.Random, sentence: str, *, is_exact: bool) -> str:
    if rng.random() < 0.15:
        sentence = re.sub(r"[，。！？：；、]", lambda m: rng.choice((" ", "", ",", m[0])), sentence)
    if is_exact:
        return sentence
    if rng.random() < 0.07:
        slips = [pair for pair in HEARD_ZH if pair[0] in sentence]
        if slips:
            slip = rng.choice(slips)
            sentence = sentence.replace(slip[0], slip[1], 1)
    if rng.random() < 0.03 and len(sentence) > 4:
        at = rng.randrange(1, len(sentence) - 1)
        if "\u4e00" <= sentence[at] <= "\u9fff":
            sentence = sentence[:at] + sentence[at] + sentence[at:]
    if rng.random() < 0.04:
        for word in rng.sample(list(MIXED), len(MIXED)):
            if word in sentence:
                sentence = sentence.replace(word, MIXED[word], 1)
                if rng.random() < 0.6:
                    break
    return sentence


def _smudged_en(rng: random.Random, sentence: str, *, is_exact: bool) -> str:
    roll = rng.random()
    if not is_exact:
        if roll < 0.35:
            sentence = sentence[:1].upper() + sentence[1:]
        elif roll < 0.45:
            sentence = sentence.lower()
        elif roll < 0.48:
            sentence = sentence.upper()
    if rng.random() < 0.1:
        sentence = re.sub(r"[,.!?;:]", "", sentence)
    if is_exact:
        return sentence
    if rng.random() < 0.08:
        at = rng.randrange(1, max(2, len(sentence) - 2))
        if sentence[at : at + 2].isalpha():
            swap = sentence[at + 1] + sentence[at] if rng.random() < 0.5 else sentence[at]
            sentence = sentence[:at] + swap + sentence[at + 2 :]
    if rng.random() < 0.07:
        words = sentence.split(" ")
        slips = [at for at, word in enumerate(words) if word in HEARD_EN]
        if slips:
            at = rng.choice(slips)
            words[at] = HEARD_EN[words[at]]
            sentence = " ".join(words)
    if rng.random() < 0.03 and " " in sentence:
        at = rng.choice([i for i, letter in enumerate(sentence) if letter == " "])
        sentence = sentence[:at] + sentence[at + 1 :]
    return sentence
