"""What the language model is shown for a sentence.

Our own adapter was trained on the sentence and a line break, nothing else: the fewer tokens, the
shorter the thought. Any other model is told the language and shown a few examples first.
"""

from collections.abc import Mapping, Sequence

EXAMPLES = (
    ("走到桌子前，看看桌上有什么，然后跳个舞", "go table; look table; dance"),
    ("where is the red mug?", "look red cup"),
    ("find the blue ball and point at it", "look blue ball; point blue ball"),
    ("往后退半米，再左转九十度", "go back 0.5; turn left 90"),
    ("come here and say hi", "go person; wave"),
    ("turn a full circle, then wait five seconds", "turn left 360; wait 5"),
    ("说“欢迎光临”，然后鞠躬", 'say "欢迎光临"; bow'),
    ("看看四周", "look around"),
    ("walk to the kitchen", "refuse unknown_place"),
    ("帮我找一下大象", "refuse unknown_thing"),
    ("fly to the moon", "refuse impossible"),
    ("打那个人", "refuse unsafe"),
    ("sing a song", "refuse unknown_skill"),
    ("look at that thing", "ask which"),
    ("过去", "ask where"),
    ("帮我弄一下", "ask what"),
)


def prompt_for(sentence: str) -> str:
    """Return the prompt after which the adapted model writes a plan and a line break."""
    return sentence + "\n"


def instructions(
    syntaxes: Mapping[str, Sequence[str]],
    places: Sequence[str],
    kinds: Sequence[str],
    colours: Sequence[str],
) -> str:
    """Tell a model that was not trained for it what the plan language is."""
    steps = "\n".join(f"{skill} {way}".strip() for skill, ways in syntaxes.items() for way in ways)
    return (
        "You turn an order to a humanoid robot, in Chinese or English, into a plan. Answer with "
        'the plan alone, on one line: one to six steps, separated by "; ". A step is one of:\n'
        f"{steps}\n"
        f"{{place}}: {', '.join(places)}. {{person}}: person. {{thing}}: a kind, or a colour and a "
        f"kind. Kinds: {', '.join(kinds)}. Colours: {', '.join(colours)}. {{text}} is in double "
        "quotes. Other kinds or colours are unknown things, other places unknown places, whatever "
        "is not listed an unknown skill; a refusal or a question is the whole plan.\n"
        "Examples:\n" + "".join(f"{said} => {plan}\n" for said, plan in EXAMPLES)
    )


def few_shot_prompt(instruction: str, sentence: str) -> str:
    """Return the prompt for a model that was not trained for plans."""
    return f"{instruction}{sentence} => "
