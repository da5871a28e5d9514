"""Words that stop the robot, let it go on, get it up or name a routine, before any model.

Only a sentence that is nothing but such an order counts, up to politeness, emphasis and
repetition. "走到门口停下" and "don't stop dancing" go to the model: stopping in the middle of what
somebody asked for is a mistake, too.
"""

import re
import unicodedata
from functools import cache

STOP = """
停/停下/停下来/停一下/停一停/停住/停止/停车/停手/停步/急停/站住/站着别动/别动/不要动/不许动/别走/
别走了/别再走了/不要走了/别跳了/别转了/住手/打住/刹车/立定/定住/止步/紧急停止/停止动作/停止移动/
停止行动/停止运动/停止一切/给我停/別動/別走/別走了/別再走了/別跳了/別轉了/停下來/停車/站著別動/
不許動/剎車/緊急停止/停止動作/停止移動/停止行動/停止運動/stop/halt/freeze/hold it/
hold it right there/stop it/stop that/stop there/stop here/stop right there/stop moving/
stop walking/stop dancing/stop turning/stop everything/stop where you are/
stop what you are doing/stop what you re doing/do not move/don t move/dont move/stand still/
stay still/stay where you are/hold still/emergency stop/e stop/estop/whoa/abort/cease/cut it out/
quit it/knock it off/no more moving
"""
GO_ON = """
继续/可以继续/可以继续了/解除停止/解除急停/取消停止/恢复行动/恢复运行/可以动了/能动了/
繼續/可以繼續/可以繼續了/恢復行動/恢復運行/可以動了/能動了/
go on/resume/resume operation/continue/carry on/you may go on/you can go on/
you may move again/you can move again/you may continue/you can continue/release the stop/
cancel the stop/end the stop
"""
"""What a person says to end a stop; see `safety.stop`. It means so only while one holds."""
TAKE_OVER = """
接管/我来接管/由我接管/我接管/我来接手/我来指挥/由我指挥/听我指挥/听我的/现在听我的/
接管/我來接管/我來接手/我來指揮/由我指揮/聽我指揮/聽我的/現在聽我的/
take over/i take over/i am taking over/i m taking over/i will take over/i ll take over/
let me take over/i lead/i am in charge/i m in charge/listen to me
"""
"""What a person says to lead the robot instead of another; see `safety.lease`. It means so only
to one whom somebody else leads."""
RISE = """
站起来/站起身/站起身来/起来/起身/爬起来/从地上起来/从地上站起来/从地上爬起来/重新站起来/
站起來/站起身來/起來/爬起來/從地上起來/從地上站起來/從地上爬起來/重新站起來/get up/stand up/
get up again/stand up again/get back up/get on your feet/get back on your feet/on your feet/
rise to your feet/get up off the floor/get up from the floor/stand up from the floor/
get up off the ground/get up from the ground/pick yourself up
"""
AROUND = """
机器人/偃师/小偃/请/请你/麻烦/麻烦你/你/给我/快/快点/马上/立刻/立即/赶紧/赶快/现在/就/先/全部/都/
喂/嘿/哎/啊/吧/了/呀/哦/啦/嘛/好/好了/行了/够了/谢谢/拜托/原地/一下/我说/你快/求你/機器人/偃師/
請/請你/麻煩/麻煩你/給我/快點/馬上/趕緊/趕快/現在/夠了/謝謝/拜託/我說/please/now/robot/yanshi/
hey/oi/no/right now/at once/immediately/just/ok/okay/quick/quickly/for god s sake/thanks/
thank you/i said/you/must/can you/could you/would you/will you/this instant/and/yanshi robot/
right/for heaven s sake
"""
PERFORM = """
表演/演/演示/展示/打/打一套/打一段/打一遍/来/来一套/来一段/来一个/来个/做/做一套/做一个/做一遍/做个/
练/练一套/行/行一个/行个/一套/一段/一个/一遍/一次/一下/一回/给我看/给我们/给我们看/给大家/给大家看/看/看看/
开始/会/能/可以/吗/再/再来/perform/do/show me/show us/show/demonstrate/give me/give us/practise/
practice/let me see/let s see/let us see/let s do/start/begin/some/a/an/the/your/one/of/bit of/
for us/for me/routine/form/once/again
"""
"""What may stand around the name of a routine, besides courtesies."""
TOKEN = re.compile(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+")
ENOUGH = "no/行了/够了/夠了/好了"
"""Courtesies around an order to stop that mean the opposite around any other."""
TOKENS_MAX = 24
"""A longer sentence has more to say than stop."""

Phrase = tuple[str, ...]


def _phrases(table: str) -> frozenset[Phrase]:
    return frozenset(tuple(TOKEN.findall(entry)) for entry in table.split("/") if entry.strip())


_STOP, _GO_ON, _TAKE_OVER, _RISE, _AROUND = map(_phrases, (STOP, GO_ON, TAKE_OVER, RISE, AROUND))
_AGREEING = _AROUND - _phrases(ENOUGH)
_SHOWING = _AGREEING | _phrases(PERFORM) - _phrases(ENOUGH)


def is_stop_order(sentence: str) -> bool:
    """Tell whether a sentence orders the robot to stop at once and does nothing else."""
    return _is_only(_STOP, sentence)


def is_go_on_order(sentence: str) -> bool:
    """Tell whether a sentence ends a stop and does nothing else."""
    return _is_only(_GO_ON, sentence, _AGREEING)


def is_take_over_order(sentence: str) -> bool:
    """Tell whether a sentence asks for the lead and does nothing else."""
    return _is_only(_TAKE_OVER, sentence, _AGREEING)


def is_rise_order(sentence: str) -> bool:
    """Tell whether a sentence orders the robot to its feet and does nothing else."""
    return _is_only(_RISE, sentence)


def is_order_for(names: tuple[str, ...], sentence: str) -> bool:
    """Tell whether a sentence asks for what is called so, to be performed, and nothing else."""
    return _is_only(_called(names), sentence, _SHOWING)


@cache
def _called(names: tuple[str, ...]) -> frozenset[Phrase]:
    return frozenset(_tokens(name) for name in names) - {()}


def _tokens(text: str) -> Phrase:
    return tuple(TOKEN.findall(unicodedata.normalize("NFKC", text[:200]).lower()))


def _is_only(order: frozenset[Phrase], sentence: str, around: frozenset[Phrase] = _AROUND) -> bool:
    tokens = _tokens(sentence)
    lengths = range(1, 1 + max(map(len, order | around)))
    if not 0 < len(tokens) <= TOKENS_MAX:
        return False
    # Which beginnings can be cut into known phrases: without, and with, the order.
    calm, urgent = {0}, set[int]()
    for end in range(1, len(tokens) + 1):
        starts = [end - n for n in lengths if end - n in calm or end - n in urgent]
        if not starts and end > lengths[-1]:
            return False
        for start in starts:
            phrase = tokens[start:end]
            if phrase in order:
                urgent.add(end)
            elif phrase in around:
                calm.update({end} if start in calm else ())
                urgent.update({end} if start in urgent else ())
    return len(tokens) in urgent
