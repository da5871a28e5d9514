"""Everything the robot says, worded in the user's language and script.

Skills and the runtime give a reason and its facts; this table holds the sentences. A reason that
it does not know is worded by how the step ended, so that a new skill is never struck dumb.
"""

import re
from collections import Counter
from collections.abc import Iterable
from itertools import zip_longest

from yanshi.core.messages import Plan, Step
from yanshi.mind.language import STEPS_MAX
from yanshi.mind.names import spoken
from yanshi.mind.tongue import SENTENCE_MAX, to_traditional
from yanshi.safety.faults import TABLE, Fault
from yanshi.skills.skill import Outcome, installed_skills
from yanshi.worlds.things import COLOURS, KINDS

# Slots: {thing} is the first fact and {name} it without an article, {list} all of them with their
# numbers, {choices} all of them as alternatives, {where} them in pairs with the places they are on,
# {others} and {elsewhere} the same for all but the first, {text} the first fact as it is, {heard}
# the user's sentence; {skills}, {kinds} and {colours} are what the robot knows.
REPLIES: dict[str, tuple[str, str]] = {
    # What was seen, and what was not.
    "saw": ("I see {list}.", "我看到{list}。"),
    "saw_where": ("I see {where}.", "我看到{where}。"),
    "saw_nothing": ("I see nothing there.", "我没有看到什么东西。"),
    "saw_nothing_at": ("I see nothing at {thing}.", "我在{thing}那里没有看到什么东西。"),
    "not_found": ("I could not find {thing}.", "我没有找到{thing}。"),
    "not_found_but": (
        "I could not find {thing}. I see {elsewhere}.",
        "我没有找到{thing}。我看到了{elsewhere}。",
    ),
    "taken_for": (
        "I see no {name}; I take {others} for it.",
        "我没有看到{name}，我把{others}当作它了。",
    ),
    "makes_way": (
        "{name} is too close to {others} for my hand; I put {others} aside first.",
        "{name}离{others}太近，我的手伸不进去，我先把{others}挪开。",
    ),
    "changes_hands": (
        "Only my other hand reaches there with {thing}; I put it down and change hands.",
        "拿着{thing}只有另一只手够得到那里，我先放下，换一只手。",
    ),
    "unsure": (
        "I take this for {thing}, but I am not sure.",
        "我觉得这是{thing}，但不太确定。",
    ),
    "which_instead": (
        "I see no {name}. Do you mean {others}?",
        "我没有看到{name}。您是指{others}？",
    ),
    "which": ("Which one do you mean: {choices}?", "您是指哪一个：{choices}？"),
    # Questions back.
    "ask_which": (
        "Which thing do you mean? I know {kinds}.",
        "您是指哪一样东西？我认识{kinds}。",
    ),
    "ask_what": (
        "What shall I do? Please say it again. I can {skills}.",
        "您想让我做什么？请再说一遍。我会{skills}。",
    ),
    "ask_where": (
        "Where to? Name a piece of furniture, a thing or a direction, please.",
        "去哪里？请说出一件家具、一样东西或者一个方向。",
    ),
    # Refusals say what was asked and what would work.
    "refuse_impossible": (
        'You asked: "{heard}". Nobody like me can do that. I can {skills}; I walk at most '
        "9.9 metres and wait at most 60 seconds at a time.",
        "您说：“{heard}”。这件事我做不到。我会{skills}；一次最多走 9.9 米，最多等 60 秒。",
    ),
    "refuse_unsafe": (
        'You asked: "{heard}". I will not do that: somebody or something could be harmed. '
        "I can {skills}.",
        "您说：“{heard}”。这样可能伤到人或弄坏东西，我不能做。我会{skills}。",
    ),
    "refuse_unknown_thing": (
        'You asked: "{heard}". I do not know a thing in it. I know {kinds}, in {colours}.',
        "您说：“{heard}”。里面有我不认识的东西。我认识{kinds}，颜色有{colours}。",
    ),
    "refuse_unknown_place": (
        'You asked: "{heard}". That place is not on my floor plan. I can only go about this room.',
        "您说：“{heard}”。这个地方不在我的平面图上。我只能在这个房间里走动。",
    ),
    "refuse_unknown_skill": (
        'You asked: "{heard}". I have not learnt that yet. I can {skills}.',
        "您说：“{heard}”。这个我还没有学会。我会{skills}。",
    ),
    "refuse_empty": (
        "I heard no words. Please say what I shall do.",
        "我没有听到内容。请说出要我做什么。",
    ),
    "refuse_too_long": (
        f"That was longer than the {SENTENCE_MAX} characters I can take in at once. "
        "Please say it in parts.",
        f"这句话超过了我一次能听的 {SENTENCE_MAX} 个字符。请分几次说。",
    ),
    "refuse_too_many_steps": (
        f"That would be more than {STEPS_MAX} steps. Please say it in parts.",
        f"这样就超过 {STEPS_MAX} 步了。请分几次说。",
    ),
    "refuse_other_language": ("I understand Chinese and English.", "我听得懂中文和英文。"),
    # What went wrong on the way.
    "unreachable": (
        "I cannot get to {thing}: there is no free way.",
        "我到不了{thing}那里：路不通。",
    ),
    "blocked": ("Something is in my way.", "我被挡住了。"),
    "no_room": ("There is not enough free room for that.", "这里没有足够的空地。"),
    "timeout": (
        "I gave up after {text} seconds: it took too long.",
        "用时超过 {text} 秒，我放弃了。",
    ),
    # What went wrong with the hands.
    "hands_full": ("My hands are full: I hold {list}.", "我手里已经拿着{list}了。"),
    "already_held": ("I hold {thing} already.", "{thing}已经在我手里了。"),
    "out_of_reach": (
        "I cannot reach {thing} from where I can stand. I take things that are 40 cm to 1.1 m "
        "high and near an edge.",
        "我站在哪儿都够不着{thing}。我拿得到离地 40 厘米到 1.1 米、靠近边缘的东西。",
    ),
    "somebody_there": (
        "Somebody stands where I would have to stand for {thing}. Please make room and say it "
        "again.",
        "我去{thing}要站的地方有人。请让一让，再说一次。",
    ),
    "lost_sight": (
        "I stand before {thing} and do not see it any more.",
        "我站到跟前，却看不到{thing}了。",
    ),
    "no_grasp": (
        "My hand does not get hold of {thing} as it stands. I take things 3 to 9 cm wide and at "
        "least 3 cm high with some air round them.",
        "{thing}这样放着，我的手抓不住。我拿得住宽 3 到 9 厘米、高 3 厘米以上、"
        "周围留有空隙的东西。",
    ),
    "one_hand": (
        "{thing} is too small or too large for both my hands.",
        "{thing}的大小不适合我用双手搬。",
    ),
    "too_heavy": ("{thing} is too heavy for me; I put it back.", "{thing}太重了，我把它放回去了。"),
    "missed": ("I reached for {thing} and missed it.", "我伸手去拿{thing}，没有拿到。"),
    "knocked_over": (
        "I touched {thing} as I reached for it, and do not see it any more: it may have fallen.",
        "我伸手去拿时碰到了{thing}，现在看不到它了，可能掉下去了。",
    ),
    "slipped": ("I had hold of {thing}, and it slipped.", "{thing}从我手里滑掉了。"),
    "no_open_hand": (
        "I see nobody who holds an open hand out for {thing}, so I keep it.",
        "我没有看到有人伸手来接{thing}，所以我先拿着。",
    ),
    "hand_out_of_reach": (
        "I cannot reach the hand that is held out for {thing}, so I keep it. I reach hands that "
        "are 80 cm to 1.1 m high, with free floor before them.",
        "我够不着来接{thing}的手，所以我先拿着。手离地 80 厘米到 1.1 米、前面有空地，我才够得着。",
    ),
    "nobody_took": (
        "I held {thing} out and nobody took it, so I keep it.",
        "我把{thing}递了过去，没有人接，所以我先拿着。",
    ),
    "put_unseen": (
        "I let go of {thing} there, but I do not see it now.",
        "我把{thing}放下了，但现在没有看到它。",
    ),
    "not_stayed": (
        "I put {thing} down, and it did not stay where I put it.",
        "我把{thing}放下了，可它没有留在那儿。",
    ),
    "fell_from_hand": (
        "I laid {thing} into the hand, and it is not there any more.",
        "我把{thing}放到了手里，可它现在不在那儿了。",
    ),
    "no_room_behind": (
        "Behind {thing} there is no room to push it. I push things that have 15 cm free behind "
        "them.",
        "{thing}后面没有地方了，推不了。后面要空出 15 厘米，我才能推。",
    ),
    "rolls": (
        "{thing} would roll off, so I do not push it. I can pick it up.",
        "{thing}会滚下来，所以我不推。我可以把它拿起来。",
    ),
    "no_push": (
        "My arm does not get behind {thing} as it stands.",
        "{thing}这样放着，我的手推不到。",
    ),
    "not_moved": ("I pushed {thing}, and it hardly moved.", "我推了{thing}，它几乎没有动。"),
    "pushed_unseen": (
        "I pushed {thing} and do not see it any more.",
        "我推了{thing}，现在看不到它了。",
    ),
    "no_surface": ("Nothing can be put on {thing}.", "{thing}上面放不了东西。"),
    "no_space": ("There is no free spot on {thing}.", "{thing}上没有空位了。"),
    "person_near": (
        "Somebody is too near for that; I need {text} metres between us.",
        "有人离我太近了，做这个需要相隔 {text} 米。",
    ),
    "unseen": (
        "I cannot see whether somebody is near, so I do not do that.",
        "我看不见附近有没有人，所以不能做这个。",
    ),
    "keep_out": (
        "That leads over floor that I must not tread on.",
        "那要经过我不能进入的区域。",
    ),
    "hand_full": (
        "I have something in my hand; that needs a free one.",
        "我手里拿着东西，做这个要空出手来。",
    ),
    "rising": TABLE[Fault.FALLEN].words,
    "fell_often": (
        "I fell over at this again and again, so I leave it.",
        "我做这一步时一再摔倒，所以不做了。",
    ),
    "off_balance": (
        "I lost my balance at this again and again, so I leave it.",
        "我做这一步时一再站不稳，所以不做了。",
    ),
    "replaced": ("All right.", "好的。"),
    "all_done": ("Done.", "好了。"),
    "is_up": ("I am on my feet.", "我站着呢。"),
    "cannot_rise": ("I have not learnt to get up.", "我还没有学会站起来。"),
    "fell": TABLE[Fault.STAYS_DOWN].words,
    "stopped": TABLE[Fault.STOP_ASKED].words,
    "not_finite": TABLE[Fault.TARGET_MALFORMED].words,
    **{fault.name.lower(): row.words for fault, row in TABLE.items()},
    "stop_holds": (
        'I have been stopped; say "go on" first.',
        "我被叫停了；请先说“继续”。",
    ),
    "leads": (
        "You lead me now. What shall I do?",
        "现在由您指挥我。您想让我做什么？",
    ),
    "taken_over": (
        "Somebody else leads me now; I leave what I was doing.",
        "现在由别人指挥我，刚才的事我不做了。",
    ),
    "goes_on": (
        "I can go on. What shall I do?",
        "我可以继续了。您想让我做什么？",
    ),
    # The robot's own words.
    "say": ("{text}", "{text}"),
    # When nobody gave a reason.
    "failed": ("I could not do that.", "这一步我没有做成。"),
    "asked": ("Please say it again.", "请再说一遍。"),
    "refused": ("I cannot do that.", "这个我做不了。"),
}
"""Reason to the sentence in English and in simplified Chinese."""


def word_outcome(outcome: Outcome, language: str, *, sentence: str = "") -> str:
    """Word how a step ended; empty when there is nothing to say.

    Args:
        outcome: What the skill or the runtime reports.
        language: `zh-Hans`, `zh-Hant`, `en`, or `other`, which gets both.
        sentence: What the user said, for answers that repeat it.
    """
    key = outcome.reason or outcome.kind
    if key == "saw_nothing" and outcome.facts:
        key = "saw_nothing_at"
    template = REPLIES.get(key) or REPLIES.get(outcome.kind)
    if template is None:
        return ""
    if language == "other":
        return (
            f"{_fill(template[0], outcome, sentence, 0)} {_fill(template[1], outcome, sentence, 1)}"
        )
    is_chinese = language.startswith("zh")
    words = _fill(template[is_chinese], outcome, sentence, int(is_chinese))
    return to_traditional(words) if language == "zh-Hant" else words


def word_plan(plan: Plan, language: str) -> str:
    """Say what the robot is about to do: `go to the table, then dance`."""
    is_chinese = language.startswith("zh")
    joint = "，然后" if is_chinese else ", then "
    words = joint.join(_word_step(step, int(is_chinese)) for step in plan.steps)
    return to_traditional(words) if language == "zh-Hant" else words


LANGUAGES = ("en", "zh-Hans")
"""The columns of the tables; traditional Chinese is made from simplified."""


def _name(name: str, column: int) -> str:
    return spoken(name, LANGUAGES[column])


def _the(name: str, column: int) -> str:
    return _name(name, 1) if column else f"the {_name(name, 0)}"


def _count(name: str, number: int, column: int) -> str:
    if column:
        return f"{number} 个{_name(name, 1)}" if number > 1 else _name(name, 1)
    words = _name(name, 0)
    if number == 1:
        return f"{'an' if words[:1] in 'aeiou' else 'a'} {words}"
    plural = "people" if words == "person" else words + ("es" if words.endswith("x") else "s")
    return f"{number} {plural}"


def _whereabouts(name: str, place: str, number: int, column: int) -> str:
    """Say how many things of a name are on a place, or just how many there are."""
    things = _count(name, number, column)
    if not place:
        return things
    return f"{_name(place, 1)}上的{things}" if column else f"{things} on {_the(place, 0)}"


def _list(words: Iterable[str], column: int, last: tuple[str, str] = (" and ", "和")) -> str:
    *firsts, end = list(words) or [""]
    if not firsts:
        return end
    return ("、" if column else ", ").join(firsts) + last[column] + end


def _fill(template: str, outcome: Outcome, sentence: str, column: int) -> str:
    facts = outcome.facts

    def word(slot: re.Match[str]) -> str:
        match slot[1]:
            case "thing":
                return _the(facts[0], column) if facts else ("那里" if column else "it")
            case "text":
                return facts[0] if facts else ""
            case "list":
                counts = Counter(facts).items()
                return _list((_count(name, number, column) for name, number in counts), column)
            case "name":
                return _name(facts[0], column) if facts else "那个" if column else "such thing"
            case "where" | "elsewhere":
                pairs = facts[slot[1] == "elsewhere" :]
                seen = Counter(zip_longest(pairs[::2], pairs[1::2], fillvalue=""))
                told = (_whereabouts(*at, number, column) for at, number in seen.items())
                return _list(told, column)
            case "choices" | "others":
                names = dict.fromkeys(facts[slot[1] == "others" :])
                return _list((_the(name, column) for name in names), column, (" or ", "还是"))
            case "heard":
                return sentence.strip()
            case "skills":
                return _list(_skills(column), column)
            case "kinds":
                return _list((_name(kind, column) for kind in KINDS), column)
            case "colours":
                return _list((_name(colour, column) for colour in COLOURS), column)
            case unknown:
                raise AssertionError(f"no such slot: {unknown}")

    return re.sub(r"\{(\w+)\}", word, template)


def _skills(column: int) -> list[str]:
    """Name what the robot can do, other than talking its way out."""
    skills = installed_skills()
    names = [name for name in skills if name not in ("ask", "refuse", "stop")]
    verbs = (getattr(skills[name], "verb", None) or _called(name, "") for name in names)
    return [verb[column] for verb in verbs]


def _called(skill: str, argument: str) -> tuple[str, str]:
    """Return what a step is called with a first argument, as its skill calls it or as a plan."""
    called = getattr(installed_skills().get(skill), "called", {})
    other = f"{skill} {{0}}" if argument else skill
    words: tuple[str, str] = called.get(argument) or called.get("", (other, other))
    return words


def _word_step(step: Step, column: int) -> str:
    first, *rest = (*step.arguments, "")
    called = getattr(installed_skills().get(step.skill), "called", {})
    argument = rest[0] if first and first in called else first
    if argument[:1].isalpha():
        argument = _the(argument, column)
    return _called(step.skill, first)[column].format(argument).strip()
