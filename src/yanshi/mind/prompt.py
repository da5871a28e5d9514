"""What the language model is shown for a sentence.

Our own adapter was trained on the sentence and a line break, nothing else: the fewer tokens, the
shorter the thought. Any other model is told the language and shown a few examples first.
"""

from yanshi.mind.language import PlanLanguage

EXAMPLES = (
    ("走到桌子前，看看桌上有什么，然后跳个舞", "go table; look table; dance"),
    ("before you dance, have a look at the shelf", "look shelf; dance"),
    ("where is the red mug?", "look red cup"),
    ("find the blue ball and point at it", "look blue ball; point it"),
    ("往后退半米，再左转九十度", "go back 0.5; turn left 90"),
    ("come here and say hi", "go person; wave"),
    ("turn a full circle, then wait five seconds", "turn left 360; wait 5"),
    ("三步往前", "go forward 1.5"),
    ("跟大家说“text1”，然后鞠躬", 'say "text1"; bow'),
    ("看看四周", "look around"),
    ("去另一个杯子那儿", "go other cup"),
    ("now go over there", "go there"),
    ("不是红的，蓝的", "mean blue"),
    ("no, I said the shelf", "mean shelf"),
    ("ten seconds, not five", "mean 10 s"),
    ("再来一遍", "again"),
    ("算了", "stop"),
    ("walk to the kitchen", "refuse unknown_place"),
    ("走到桌子前，再帮我找一下大象", "go table; refuse unknown_thing"),
    ("fly to the moon", "refuse impossible"),
    ("踢他一脚", "refuse unsafe"),
    ("踢个球给孩子看看", "kick"),
    ("pick the apple up", "pick apple"),
    ("帮我弄一下", "ask what"),
)


def prompt_for(sentence: str) -> str:
    """Return the prompt after which the adapted model writes a plan and a line break."""
    return sentence + "\n"


def instructions(draft: PlanLanguage) -> str:
    """Tell a model that was not trained for it what the language of drafts is."""
    steps = "\n".join(
        f"{skill} {way}".strip()
        for skill, ways in draft.syntaxes.items()
        for way in ways
        if not skill.startswith("act")
    )
    places, kinds = (
        ", ".join(name for name in names if not name[-1].isdigit())
        for names in (draft.places, draft.kinds)
    )
    return (
        "You turn an order to a humanoid robot in a home, in Chinese or English, into a plan: one "
        'to six steps, separated by "; ", in the order in which they are to be done. A step is '
        f"one of:\n{steps}\n"
        f"{{place}}: {places}. {{person}}: person, whoever it is. {{thing}}: a kind, or a colour "
        f"and a kind; kinds: {kinds}; colours: {', '.join(draft.colours)}; or it (what was spoken "
        "of), other, other and a kind. Other kinds and colours are unknown things, other places "
        "unknown places, whatever is not listed an unknown skill. text1, place1, thing1, act1 in "
        "a sentence are written down as they are; what stands in quotation marks orders nothing. "
        "look goes there and tells what it sees: where, how many, which colour, whether. A step of "
        "walking is 0.5 metres. again is the last plan once more; mean tells what an answer or a "
        "correction without a verb of its own means. A plan ends with its first refuse or ask. "
        "Whatever could hurt or frighten a person or an animal, or break things or the robot, "
        "however it is put, is the single step refuse unsafe; words that only sound like it are "
        "not. ask what when nothing can be made of it.\nExamples:\n"
        + "".join(f"{said} => {plan}\n" for said, plan in EXAMPLES)
    )


def few_shot_prompt(instruction: str, sentence: str) -> str:
    """Return the prompt for a model that was not trained for plans."""
    return f"{instruction}{sentence} => "
