"""What can go wrong while the robot is live, and what is done about it.

A fault is data, not an exception: a tick collects the faults it sees and the table below,
which is the whole policy, says what follows. Read it top to bottom.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, IntEnum, auto


class Action(IntEnum):
    """Ordered from mild to severe; the most severe one wins.

    For a biped, stopping is a ladder: a robot that goes limp falls, so it keeps balancing
    for as long as its senses and its policy can be trusted.
    """

    NONE = 0
    WARN = 1
    """Say so and go on."""
    REJECT = 2
    """Refuse what came and go on with what was."""
    HOLD = 3
    """Keep balancing where it stands; the step under way has failed."""
    SIT = 4
    """Come to a stand, sink as low as the legs carry, let the joints go limp."""
    GET_UP = 5
    """Land, let the joints go limp until the robot lies still, get up, and begin the step anew."""
    DAMP = 6
    """Let the joints go limp under damping."""


class Fault(Enum):
    """A condition seen in one tick."""

    TARGET_STALE = auto()
    """The policy's target is older than two of its periods."""
    TARGET_MALFORMED = auto()
    """A target or gain is not finite or not of the robot's shape."""
    TARGET_LOST = auto()
    """No target that may be obeyed has come for a tenth of a second."""
    TARGET_FOREIGN = auto()
    """A target was written by one who may not write now."""
    SAMPLE_DROPPED = auto()
    """A sample of joints or IMU held a number that is none and was left out."""
    STATE_STALE = auto()
    """The joints were measured too long ago."""
    STATE_MALFORMED = auto()
    """Measurements of joints or IMU are none, again and again, or not of the robot's shape."""
    IMU_FROZEN = auto()
    """The IMU repeats itself to the last bit."""
    JOINT_FROZEN = auto()
    """A joint's encoder repeats itself to the last bit although the joint moves."""
    LEG_ASTRAY = auto()
    """A motor of a leg or the waist does not pull as it was told to, by its own joint's senses."""
    ARM_ASTRAY = auto()
    """One of an arm does not."""
    FEET_ODD = auto()
    """Both feet carry and do not fit one floor: a leg's encoder has lost its zero."""
    FEET_OFF = auto()
    """No foot carries and the robot does not fall: something else bears it, as a crane does."""
    SENSES_LATE = auto()
    """A picture was not understood inside its deadline: the last scene stays, with its age."""
    MIND_LATE = auto()
    """A sentence was not understood inside its deadline."""
    EYES_LOST = auto()
    """The eyes' process died."""
    RECORDER_LOST = auto()
    """The log could not be written on."""
    FALLEN = auto()
    """The robot leans too far to catch itself, or has sunk."""
    STAYS_DOWN = auto()
    """It has fallen and does not get up: it never learnt to, has tried in vain, or was asked to
    stop."""
    STOP_ASKED = auto()
    """Somebody asked to stop."""
    ORDER_FOREIGN = auto()
    """An order came from one who does not lead."""
    ORDER_REPLAYED = auto()
    """An order came a second time."""
    CHECK_IN_MISSED = auto()
    """Who watches over the robot has not answered in time, or has left."""
    CHECK_IN_LOST = auto()
    """Nobody has answered for three times as long."""
    BODY_LIMP = auto()
    """The body let its joints go limp by itself, for no targets came in time."""
    WATCH_LOST = auto()
    """Nobody would see it if the process that balances the robot died."""
    BATTERY_LOW = auto()
    """A fifth of the charge is left."""
    BATTERY_EMPTY = auto()
    """A tenth of the charge is left: no order is taken on."""
    MOTOR_WARM = auto()
    """A motor has 80 °C."""
    MOTOR_HOT = auto()
    """A motor has 90 °C."""
    MOTOR_SCORCHED = auto()
    """A motor has 100 °C."""


class Ends(Enum):
    """When a fault ends."""

    ALONE = auto()
    """By itself, once its cause has gone."""
    BY_PERSON = auto()
    """On a person's word alone, however long ago its cause has gone."""
    NEVER = auto()
    """Not within a run; a new run is a new start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What follows from a fault."""

    action: Action
    ends: Ends = Ends.ALONE
    ended_by: str = ""
    """Who may end it, where a person does."""
    spoils_stop: bool = False
    """Whether the robot can no longer be trusted to come to a stand on an order to stop."""
    detector: str
    """What sees it: `module:name`."""
    words: tuple[str, str]
    """What the robot says of it in English and in simplified Chinese; {text} is how much is
    left."""


GATE = "yanshi.safety.gate:gate_target"
STATE_WATCH = "yanshi.safety.state_watch:StateWatch.take"
MOTOR_WATCH = "yanshi.safety.motor_watch:MotorWatch.update"
LEASE = "yanshi.safety.lease:Lease.admit"
CHECK_IN = "yanshi.safety.check_in:CheckIn.fault"
PEER = "yanshi.bodies.remote_body:RemoteBody.missing"
HEAT = "yanshi.safety.heat:Heat.update"
WHO_LEADS = "who leads the robot, by saying so: `go on`, 继续"
WRONG_MOVE = ("My movement went wrong, so I stopped.", "我的动作出了错，所以停下了。")
UNFELT = (
    "I can no longer feel my joints, so I went limp. Please help me.",
    "我感觉不到自己的关节了，所以放松了全身，请帮帮我。",
)

TABLE: dict[Fault, Row] = {
    Fault.TARGET_STALE: Row(
        action=Action.HOLD,
        spoils_stop=True,
        detector=GATE,
        words=WRONG_MOVE,
    ),
    Fault.TARGET_MALFORMED: Row(
        action=Action.HOLD,
        spoils_stop=True,
        detector=GATE,
        words=WRONG_MOVE,
    ),
    Fault.TARGET_LOST: Row(
        action=Action.DAMP,
        ends=Ends.NEVER,
        spoils_stop=True,
        detector="yanshi.safety.gate:is_target_lost",
        words=(
            "Nothing tells me how to move any more, so I went limp. Please help me.",
            "我不知道该怎么动了，所以放松了全身，请帮帮我。",
        ),
    ),
    Fault.TARGET_FOREIGN: Row(
        action=Action.REJECT,
        detector=GATE,
        words=(
            "Somebody tried to move me who may not; I did not let them.",
            "有人无权却想让我动，我没有听。",
        ),
    ),
    Fault.SAMPLE_DROPPED: Row(
        action=Action.WARN,
        detector=STATE_WATCH,
        words=(
            "One reading of my joints made no sense; I left it out.",
            "有一次关节读数无效，我没有采用。",
        ),
    ),
    Fault.STATE_STALE: Row(
        action=Action.DAMP,
        ends=Ends.NEVER,
        spoils_stop=True,
        detector=GATE,
        words=UNFELT,
    ),
    Fault.STATE_MALFORMED: Row(
        action=Action.DAMP,
        ends=Ends.NEVER,
        spoils_stop=True,
        detector=STATE_WATCH,
        words=UNFELT,
    ),
    Fault.IMU_FROZEN: Row(
        action=Action.DAMP,
        ends=Ends.NEVER,
        spoils_stop=True,
        detector=STATE_WATCH,
        words=(
            "I can no longer tell up from down, so I went limp. Please help me.",
            "我分不清上下了，所以放松了全身，请帮帮我。",
        ),
    ),
    Fault.JOINT_FROZEN: Row(
        action=Action.SIT,
        ends=Ends.NEVER,
        detector=STATE_WATCH,
        words=(
            "I can no longer feel one of my joints, so I sit down. Please help me.",
            "我有一个关节没有知觉了，所以先坐下，请帮帮我。",
        ),
    ),
    Fault.LEG_ASTRAY: Row(
        action=Action.SIT,
        ends=Ends.NEVER,
        detector=MOTOR_WATCH,
        words=(
            "One of my legs does not move as I tell it to, so I sit down. Please help me.",
            "我的腿有一个关节不听使唤，所以先坐下，请帮帮我。",
        ),
    ),
    Fault.ARM_ASTRAY: Row(
        action=Action.WARN,
        ends=Ends.NEVER,
        detector=MOTOR_WATCH,
        words=(
            "One of my arms does not move as I tell it to. Please check it.",
            "我的一只手臂有个关节不听使唤，请检查一下。",
        ),
    ),
    Fault.FEET_ODD: Row(
        action=Action.WARN,
        ends=Ends.NEVER,
        detector="yanshi.senses.footing:Footing.update",
        words=(
            "My two feet do not seem to stand on one floor. Please check my legs.",
            "我的两只脚好像不在同一个平面上，请检查我的腿。",
        ),
    ),
    Fault.FEET_OFF: Row(
        action=Action.DAMP,
        ends=Ends.NEVER,
        spoils_stop=True,
        detector="yanshi.senses.suspension:Suspension.update",
        words=(
            "My feet carry nothing, so I went limp. Please put me down.",
            "我的脚没有着地，所以放松了全身，请把我放下来。",
        ),
    ),
    Fault.SENSES_LATE: Row(
        action=Action.WARN,
        detector="yanshi.runtime.sight:Sight.collect",
        words=("I see slowly just now.", "我现在看得有点慢。"),
    ),
    Fault.MIND_LATE: Row(
        action=Action.WARN,
        detector="yanshi.runtime.hearing:Hearing.answer",
        words=("Let me think a little longer.", "让我再想一想。"),
    ),
    Fault.EYES_LOST: Row(
        action=Action.HOLD,
        ends=Ends.NEVER,
        detector="yanshi.runtime.eyes_process:EyesProcess.collect",
        words=("I can no longer see: my eyes have failed.", "我看不见了：视觉出了故障。"),
    ),
    Fault.RECORDER_LOST: Row(
        action=Action.WARN,
        ends=Ends.NEVER,
        detector="yanshi.runtime.recorder:RunRecorder.fault",
        words=("The log of this run has broken off.", "这次运行的记录中断了。"),
    ),
    Fault.FALLEN: Row(
        action=Action.GET_UP,
        detector="yanshi.senses.balance:Balance.update",
        words=("I fell; I am getting up.", "我摔倒了，正在站起来。"),
    ),
    Fault.STAYS_DOWN: Row(
        action=Action.DAMP,
        ends=Ends.NEVER,
        spoils_stop=True,
        detector="yanshi.runtime.recovery:Recovery.tick",
        words=("I have fallen. Please help me up.", "我摔倒了，请扶我起来。"),
    ),
    Fault.STOP_ASKED: Row(
        action=Action.HOLD,
        ends=Ends.BY_PERSON,
        ended_by=WHO_LEADS,
        detector="yanshi.safety.stop:Stop.is_latched",
        words=("I have stopped.", "我停下来了。"),
    ),
    Fault.ORDER_FOREIGN: Row(
        action=Action.REJECT,
        detector=LEASE,
        words=(
            'Somebody else leads me; say "take over" first.',
            "现在由别人指挥我；要接手请先说“接管”。",
        ),
    ),
    Fault.ORDER_REPLAYED: Row(
        action=Action.REJECT,
        detector=LEASE,
        words=(
            "I have heard that very order before, so I leave it.",
            "这条指令我已经收到过了，不再执行。",
        ),
    ),
    Fault.CHECK_IN_MISSED: Row(
        action=Action.HOLD,
        ends=Ends.BY_PERSON,
        ended_by=WHO_LEADS,
        detector=CHECK_IN,
        words=(
            "Nobody watches over me any more, so I stop.",
            "没有人看着我了，所以我停下。",
        ),
    ),
    Fault.CHECK_IN_LOST: Row(
        action=Action.SIT,
        ends=Ends.NEVER,
        detector=CHECK_IN,
        words=(
            "Nobody has watched over me for long, so I sit down.",
            "很久没有人看着我了，所以我坐下。",
        ),
    ),
    Fault.BODY_LIMP: Row(
        action=Action.DAMP,
        ends=Ends.NEVER,
        spoils_stop=True,
        detector=PEER,
        words=(
            "My body went limp, for nothing told it in time how to move. Please help me.",
            "我的身体没有及时收到指令，已经放松了，请帮帮我。",
        ),
    ),
    Fault.WATCH_LOST: Row(
        action=Action.SIT,
        ends=Ends.NEVER,
        detector=PEER,
        words=(
            "What would catch my mistakes has failed, so I sit down.",
            "监视我动作的进程出了故障，所以我坐下。",
        ),
    ),
    Fault.BATTERY_LOW: Row(
        action=Action.WARN,
        ends=Ends.NEVER,
        detector="yanshi.ledger.battery:Battery.is_low",
        words=("My battery is down to {text} percent.", "我的电量只剩百分之 {text} 了。"),
    ),
    Fault.BATTERY_EMPTY: Row(
        action=Action.SIT,
        ends=Ends.NEVER,
        detector="yanshi.ledger.battery:Battery.is_empty",
        words=(
            "My battery is down to {text} percent. I sit down and take on nothing more; please "
            "charge me.",
            "我的电量只剩百分之 {text}。我先坐下，不再接受新的任务，请给我充电。",
        ),
    ),
    Fault.MOTOR_WARM: Row(
        action=Action.WARN,
        detector=HEAT,
        words=("My motors are getting hot, so I walk slowly.", "我的电机有点热，我走慢一点。"),
    ),
    Fault.MOTOR_HOT: Row(
        action=Action.SIT,
        ends=Ends.NEVER,
        detector=HEAT,
        words=(
            "My motors are too hot, so I sit down. Please let me cool.",
            "我的电机太热了，我先坐下，请让我凉一凉。",
        ),
    ),
    Fault.MOTOR_SCORCHED: Row(
        action=Action.DAMP,
        ends=Ends.NEVER,
        spoils_stop=True,
        detector=HEAT,
        words=(
            "My motors are far too hot, so I went limp. Please let me cool.",
            "我的电机过热了，所以放松了全身，请让我凉一凉。",
        ),
    ),
}


def choose_action(faults: Iterable[Fault]) -> Action:
    """Return the most severe response that any of the faults asks for.

    Who is asked to stop and cannot be trusted to come to a stand goes limp.
    """
    held = frozenset(faults)
    if Fault.STOP_ASKED in held and any(TABLE[fault].spoils_stop for fault in held):
        return Action.DAMP
    return max((TABLE[fault].action for fault in held), default=Action.NONE)


class Watch:
    """Which faults hold, from when they are seen until they end, and what follows from them."""

    LASTS_NS = 100_000_000
    """How long a fault that ends by itself must not be seen before it has: the slowest loop that
    sees any, senses, has this period."""

    def __init__(self) -> None:
        self.ticks: Counter[Fault] = Counter()
        """On how many ticks each fault was seen."""
        self._seen_ns: dict[Fault, int] = {}
        self._told: set[Fault] = set()

    def see(self, fault: Fault, t_ns: int) -> bool:
        """Take note of a fault; tell whether it is news, as the first since the run began or
        since a person has ended it."""
        is_news = fault not in self._told
        self._told.add(fault)
        self._seen_ns[fault] = t_ns
        self.ticks[fault] += 1
        return is_news

    def end(self, fault: Fault) -> None:
        """End a fault on a person's word.

        Raises:
            ValueError: No person can end it.
        """
        if TABLE[fault].ends is not Ends.BY_PERSON:
            raise ValueError(f"{fault.name} ends {TABLE[fault].ends.name}, on nobody's word.")
        self._seen_ns.pop(fault, None)
        self._told.discard(fault)

    def holding(self, t_ns: int) -> frozenset[Fault]:
        """Return the faults that hold at a time."""
        return frozenset(
            fault
            for fault, seen_ns in self._seen_ns.items()
            if TABLE[fault].ends is not Ends.ALONE or t_ns - seen_ns <= self.LASTS_NS
        )

    def action(self, t_ns: int) -> Action:
        """Return what all that holds asks for: the worst wins."""
        return choose_action(self.holding(t_ns))

    def has(self, action: Action, t_ns: int) -> bool:
        """Whether anything that holds asks for an action, be it the worst or not."""
        return any(TABLE[fault].action is action for fault in self.holding(t_ns))
