"""One sentence, or a conversation, on one robot: who runs when, until it stands settled.

    senses 10 Hz  pictures out to the eyes' process, scenes back
    mind   50 Hz  words out to the language model's process, plans back
    policy 50 Hz  odometry, executive, skill → joint target
    reflex 500 Hz gate → body
    show   50 Hz  onlookers: terminal, page, log, judge

The language model and the eyes answer from processes of their own. On the simulated clock
each answer is delivered at a fixed time after it was asked for, whatever this machine took,
so that the same seed gives the same trace; on the wall clock it is delivered when it comes.
A robot that falls belongs to its recovery until it stands again; the plan waits meanwhile.
"""

import gc
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from yanshi.bodies.push import Push, Pusher
from yanshi.bodies.simulation import Simulation
from yanshi.control.kinematics import Kinematics
from yanshi.core.errors import BodyError
from yanshi.core.messages import JointTarget, Plan, RobotState, Step
from yanshi.ledger.battery import Battery
from yanshi.ledger.meter import Meter
from yanshi.mind.dialogue import NOWHERE, Seen
from yanshi.mind.mind import Understanding, Understands
from yanshi.mind.replies import word_outcome
from yanshi.mind.stop_words import is_go_on_order, is_stop_order, is_take_over_order
from yanshi.mind.tongue import hear
from yanshi.policies.walker import AT_REST, UpperBody, Velocity, Walker
from yanshi.robots.spec import RobotSpec
from yanshi.runtime.attendance import Attends, Peer
from yanshi.runtime.clocks import LockstepClock, PacedClock
from yanshi.runtime.executive import Executive, StepRecord
from yanshi.runtime.hearing import Hearing
from yanshi.runtime.loops import Loop, Scheduler, Timings
from yanshi.runtime.observer import Observer, Snapshot
from yanshi.runtime.priority import right_of_way
from yanshi.runtime.recovery import DOING, FALLEN, STANDING, Recovery, Stage
from yanshi.runtime.report import HeardReport, RunReport, StepReport, Trace
from yanshi.runtime.sight import Looks, Sight
from yanshi.runtime.words import OneSentence, Said, Words
from yanshi.safety.faults import TABLE, Action, Ends, Fault, Watch
from yanshi.safety.gate import (
    TARGET_FOREIGN,
    TARGET_LOST,
    Bounds,
    GateConfig,
    first_target,
    gate_target,
    is_target_lost,
)
from yanshi.safety.heat import WARM_SPEED, Heat
from yanshi.safety.lease import Lease
from yanshi.safety.motor_watch import MotorWatch
from yanshi.safety.state_watch import StateWatch
from yanshi.safety.stop import Stop
from yanshi.senses.footing import Footing
from yanshi.senses.localization import Localization
from yanshi.senses.suspension import Suspension
from yanshi.skills.ground import is_on
from yanshi.skills.search import SURE
from yanshi.skills.skill import Outcome, Percept, Tools, prepare_skills

MS = 1_000_000
TELLING = {"saw": 1, "saw_where": 2}
"""Reasons that tell of things: every so many facts are their names."""
ASKING = ("which", "which_instead")
"""Reasons that ask which thing is meant."""
TAKEN_OVER = Outcome(kind="stopped", reason="taken_over")
"""How a step ends when another than who ordered it leads."""
SWITCH_INTERVAL_S = 0.0005
"""How long a thread that draws or writes may keep the interpreter from the robot's thread."""
ON_WALL_CLOCK = ("reflex", "mind", "policy", "senses", "show", "look")
"""The order of loops within a tick there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeConfig:
    """Rates, deadlines and charges of a run."""

    reflex_ms: int = 2
    policy_ms: int = 20
    senses_ms: int = 100
    early_ms: int = 6
    """How long before the next picture is ordered the last one is taken in, so that not all that
    takes long comes between the same two ticks of the reflex."""
    understand_deadline_ms: int = 300
    understand_charge_ms: int = 160
    """What one understanding costs on the simulated clock. The median measured by
    `yanshi bench mind` on two x86 cores, rounded up to policy ticks."""
    say_again_ms: int = 3000
    """How long the robot waits for its own mind before it asks to hear it again."""
    words_at_ms: int = 500
    """When the sentence is spoken: the robot has taken its stance by then."""
    settle_ms: int = 1000
    """How long the robot goes on balancing after the last step before the run ends."""
    longest_s: float = 600.0
    """A run is ended by then, whatever it is doing."""
    is_obeyed: bool = True
    """Whether the motors pull as they are told to; those of a recording pull as they were told
    then, so that nobody compares."""


def ending_of(fault: Fault) -> Outcome:
    """Return how the step under way ends with a fault that is answered by ending the plan."""
    kind = "stopped" if fault is Fault.STOP_ASKED else "failed"
    return Outcome(kind=kind, reason=fault.name.lower())


def as_reply(plan: Plan) -> Outcome | None:
    """Return the words that a plan comes to, if it is nothing but a refusal or a question."""
    first = plan.steps[0]
    kinds = {"ask": "asked", "refuse": "refused"}
    if first.skill not in kinds:
        return None
    return Outcome(kind=kinds[first.skill], reason=f"{first.skill}_{first.arguments[0]}")


class TimedWalker(Walker):
    """A walker that keeps how long the policy takes, from the state to the target."""

    def __init__(self, robot: RobotSpec, kinematics: Kinematics) -> None:
        super().__init__(robot, kinematics=kinematics)
        self.took = Timings()

    def step(
        self, state: RobotState, velocity: Velocity, upper_body: UpperBody = AT_REST
    ) -> JointTarget:
        began_ns = time.perf_counter_ns()
        target = super().step(state, velocity, upper_body)
        self.took.add((time.perf_counter_ns() - began_ns) * 1e-6)
        return target


class Episode:
    """Runs one sentence, or a conversation, to its end."""

    def __init__(
        self,
        simulation: Simulation,
        mind: Understands,
        eyes: Looks,
        *,
        is_real_time: bool = False,
        observers: Sequence[Observer] = (),
        pushes: Sequence[Push] = (),
        config: EpisodeConfig | None = None,
        meter: Meter | None = None,
        attendance: Attends | None = None,
        peer: Peer | None = None,
    ) -> None:
        self.config = config or EpisodeConfig()
        self.simulation = simulation
        self._body = simulation.body
        self._robot = simulation.robot
        self._observers = tuple(observers)
        self.clock = (PacedClock if is_real_time else LockstepClock)(self._body)

        self._kinematics = simulation.kinematics
        self._walker = TimedWalker(self._robot, self._kinematics)
        tools = Tools(
            robot=self._robot,
            floor_plan=simulation.floor_plan,
            walker=self._walker,
            kinematics=self._kinematics,
            waits=not is_real_time,
            remark=lambda outcome: self._say(self._state.t_ns, outcome),
        )
        prepare_skills(tools)
        self._executive = Executive(tools, on_begin=self._on_begin, on_end=self._on_end)
        self._recovery = Recovery(tools)
        self._pusher = Pusher(self._body, pushes, self._kinematics.links.torso)
        self._localization = Localization(self._kinematics, simulation.floor_plan.start)
        c = self.config
        self._sight = Sight(
            eyes,
            self._localization,
            waits=not is_real_time,
            want_rgb=any(observer.wants_pictures for observer in observers),
            deadline_ms=c.senses_ms - c.early_ms,
        )
        self._hearing = Hearing(
            mind,
            waits=not is_real_time,
            charge_ms=c.understand_charge_ms,
            deadline_ms=max(c.understand_deadline_ms, round(mind.deadline_s * 1e3)),
            say_again_ms=max(c.say_again_ms, round(mind.deadline_s * 1e3) + 1000),
            meter=meter,
        )
        self._meter = meter
        self._policy_s = c.policy_ms * 1e-3
        gate = GateConfig(tick_s=self.config.reflex_ms * 1e-3)
        robot = self._robot
        self._bounds = Bounds.of(robot.limits, robot.damping, gate)

        state = self._body.read()
        self._walker.reset(state)
        self._base = self._localization.update(state)
        self._sent = first_target(state, robot.stiffness, robot.damping, self._bounds)
        self._asked: JointTarget = self._sent
        self._felt = StateWatch(state)
        self._footing = Footing(self._kinematics)
        self._suspension = Suspension(self._kinematics)
        self._motors = MotorWatch(robot)
        self._weighed_ns = self._judged_ns = -1
        self._heat = Heat()
        self._state = state
        self._sensed_ns = self._now_ns = self._obeyed_ns = -1

        self._trace = Trace()
        self._watch = Watch()
        self._attendance = attendance
        self._peer = peer
        self._lease = Lease()
        self._heard_in = self._follows = self._lease.epoch
        self._stop = Stop()
        self._heeded = self._asked_under = self._stop.right
        self._understanding: Understanding | None = None
        self._words: Words = OneSentence("", 0)
        self._context = NOWHERE
        self._idle_since_ns: int | None = None
        self._is_tidy = True
        self._lost: list[Observer] = []
        self._eyes_lost = False
        self._pushed: list[Push] = []
        self._sentence = ""
        self.language = "en"
        self.said: list[str] = []
        self._heard: list[HeardReport] = []
        self.loops = self._make_loops(is_real_time=is_real_time)

    def _make_loops(self, *, is_real_time: bool) -> tuple[Loop, ...]:
        """Return what is done again and again, in the order in which it is within a tick."""
        c = self.config
        loops = {
            name: Loop(
                name=name,
                period_ns=period_ms * MS,
                phase_ns=phase_ms * MS,
                deadline_ns=period_ms * MS,
                run=run,
            )
            for name, period_ms, phase_ms, run in (
                ("look", c.senses_ms, 0, self._look_tick),
                ("mind", c.policy_ms, 0, self._mind_tick),
                ("policy", c.policy_ms, 0, self._policy_tick),
                ("reflex", c.reflex_ms, 0, self._reflex_tick),
                ("senses", c.senses_ms, c.senses_ms - c.early_ms, self._senses_tick),
                ("show", c.policy_ms, 0, self._show_tick),
            )
        }
        # A world that waits has no deadline. On the wall clock the reflex has one, and nothing that
        # takes a while comes before it: what a policy decides acts from the next reflex tick on.
        order = ON_WALL_CLOCK if is_real_time else tuple(loops)
        return tuple(loops[name] for name in order)

    # -- what a person may do while it runs ------------------------------------------------

    def stop(self) -> None:
        """Stop, for good until a person says to go on; may be called from any thread.

        From the next reflex tick on nothing of the plan reaches the motors; from the next policy
        tick on the robot comes to a stand.
        """
        self._stop.ask()

    # -- the run ---------------------------------------------------------------------------

    def run(self, sentence: str) -> RunReport:
        """Say `sentence` to the robot and return what became of it."""
        return self.hear(OneSentence(sentence, self.config.words_at_ms * MS))

    def hear(self, words: Words) -> RunReport:
        """Do what is said to the robot until nothing more is, and return what became of it."""
        self._words = words
        scheduler = Scheduler(self.clock, self.loops)
        gc.collect()
        gc.freeze()  # What is here already need not be looked through when the robot is idle.
        gc.disable()  # A collection in mid-stride would hold up the reflex by milliseconds.
        switch_interval_s = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        began = time.perf_counter()
        try:
            if isinstance(self.clock, PacedClock):
                with right_of_way():
                    self.clock.restart()
                    end_ns = scheduler.run_until(self._is_over)
            else:
                end_ns = scheduler.run_until(self._is_over)
        finally:
            sys.setswitchinterval(switch_interval_s)
            gc.enable()
            gc.unfreeze()
        return self._report(end_ns * 1e-9, time.perf_counter() - began)

    def _is_over(self) -> bool:
        if self._now_ns >= self.config.longest_s * 1e9:
            return True
        return (
            self._idle_since_ns is not None
            and self._now_ns - self._idle_since_ns >= self.config.settle_ms * MS
        )

    # -- senses: 10 Hz ---------------------------------------------------------------------

    def _look_tick(self, t_ns: int) -> None:
        """Order a picture of this moment."""
        if self._eyes_lost:
            return
        self._sense_body(t_ns)
        try:
            viewpoint = self._localization.viewpoint(self._state)
            self._sight.look(t_ns, self._body.data.qpos, viewpoint)
        except BodyError as error:
            self._lose_eyes(t_ns, error)

    def _senses_tick(self, t_ns: int) -> None:
        """Take in what the last picture showed."""
        self._check_observers(t_ns)
        if self._eyes_lost:
            return
        before = {thing.name for thing in self._sight.scene.things}
        try:
            glance = self._sight.collect(remember=self._recovery.stage is Stage.UPRIGHT)
        except BodyError as error:
            self._lose_eyes(t_ns, error)
            return
        if self._sight.is_late:
            self._raise_fault(t_ns, Fault.SENSES_LATE)
        for thing in self._sight.scene.things:
            if thing.name not in before:
                self._tell(t_ns, "see", thing.name)
        if glance is not None and glance.rgb is not None:
            for observer in self._observers:
                if observer.wants_pictures:
                    observer.on_picture(glance.t_ns, glance.rgb)

    def _lose_eyes(self, t_ns: int, error: BodyError) -> None:
        self._eyes_lost = True
        self._raise_fault(t_ns, Fault.EYES_LOST, str(error))

    def _check_observers(self, t_ns: int) -> None:
        for observer in self._observers:
            if observer.fault and observer not in self._lost:
                self._lost.append(observer)
                self._raise_fault(t_ns, Fault.RECORDER_LOST, observer.fault)

    # -- policy: 50 Hz ---------------------------------------------------------------------

    def _sense_body(self, t_ns: int) -> None:
        """Read joints and IMU and follow the pelvis, once a tick, for senses and policy alike."""
        if self._sensed_ns == t_ns:
            return
        self._sensed_ns = t_ns
        try:
            sample = self._body.read()
        except BodyError:
            sample = None  # Who comes to feel nothing for long is limp; see the gate.
        for fault in self._felt.take(sample):
            self._raise_fault(t_ns, fault)
        if self._felt.state is not self._state:
            self._state = self._felt.state
            self._base = self._localization.update(self._state, has_feet=self._recovery.has_feet)

    def _policy_tick(self, t_ns: int) -> None:
        self._now_ns = t_ns
        push = self._pusher.tick(t_ns)
        if push is not None:
            self._pushed.append(push)
            self._tell(t_ns, "push", str(push))
        self._sense_body(t_ns)
        self._watch_motors(t_ns)
        self._watch_feet(t_ns)
        self._watch_weight(t_ns)
        if self._peer is not None and (lost := self._peer.missing()) is not None:
            self._raise_fault(t_ns, lost)
        if self._meter is not None:
            state = self._state
            self._meter.tick(state.joint_torque, state.joint_velocity, self._policy_s)
            self._watch_battery(t_ns, self._meter.battery)
            self._watch_heat(t_ns, float(self._meter.motors.temperature_c.max()))
        percept = Percept(state=self._state, base=self._base, scene=self._sight.scene)
        target = self._keep_up(t_ns, percept)
        if self._follows != self._lease.epoch:
            self._follows = self._lease.epoch
            if not self._executive.is_idle:
                self._executive.interrupt(TAKEN_OVER)
        if self._recovery.stage is Stage.UPRIGHT:
            target = self._executive.tick(percept)
        else:
            self._executive.heed(percept)
        self._asked = target or self._hold(self._state)
        self._asked_under = self._heeded
        self._react(t_ns)
        if not self._has_ended:
            self._idle_since_ns = None
        elif self._idle_since_ns is None:
            self._idle_since_ns = t_ns

    def _watch_motors(self, t_ns: int) -> None:
        """Look whether the motors pull as they were told to, while the robot is on its feet."""
        if self._recovery.stage not in STANDING or not self.config.is_obeyed:
            self._motors.reset()
        elif self._state.t_ns != self._judged_ns:
            self._judged_ns = self._state.t_ns
            for fault in self._motors.update(self._state, self._sent, t_ns):
                if fault is Fault.ARM_ASTRAY and not self._watch.ticks[fault]:
                    self._say(t_ns, ending_of(fault))
                self._raise_fault(t_ns, fault, ", ".join(self._motors.astray))

    def _watch_feet(self, t_ns: int) -> None:
        """Say once when both feet do not seem to stand on one floor; a dancer lifts its heels."""
        is_judged = self._recovery.stage is Stage.UPRIGHT and not self._executive.is_performing
        if not is_judged:
            self._footing.reset()
        elif self._footing.update(self._state):
            if not self._watch.ticks[Fault.FEET_ODD]:
                self._say(t_ns, ending_of(Fault.FEET_ODD))
            self._raise_fault(t_ns, Fault.FEET_ODD)

    def _watch_weight(self, t_ns: int) -> None:
        """Go limp when something else than the feet bears the robot; who sinks does so anyway."""
        if self._recovery.stage not in (Stage.UPRIGHT, Stage.LOOKING):
            self._suspension.reset()
        elif self._state.t_ns != self._weighed_ns:
            self._weighed_ns = self._state.t_ns
            if self._suspension.update(self._state):
                self._raise_fault(t_ns, Fault.FEET_OFF)

    def _watch_battery(self, t_ns: int, battery: Battery) -> None:
        """Say that the battery runs low, and sit down before it is empty."""
        if not battery.is_low:
            return
        percent = (f"{100.0 * battery.charge:.0f}",)
        if not (self._watch.ticks[Fault.BATTERY_LOW] or battery.is_empty):
            self._say(t_ns, Outcome(kind="failed", reason="battery_low", facts=percent))
        self._raise_fault(t_ns, Fault.BATTERY_LOW)
        if not battery.is_empty:
            return
        # Stopped, not failed: who has a foot in the air may put it down first.
        ending = replace(self._refusal(battery), kind="stopped")
        self._raise_fault(t_ns, Fault.BATTERY_EMPTY, ending=ending)

    def _watch_heat(self, t_ns: int, hottest_c: float) -> None:
        """Walk slowly with warm motors, sit down with hot ones, go limp with scorched ones."""
        fault = self._heat.update(hottest_c, t_ns)
        self._executive.speed_max = math.inf if fault is None else WARM_SPEED
        if fault is None:
            return
        if fault is Fault.MOTOR_WARM and not self._watch.ticks[fault]:
            self._say(t_ns, ending_of(fault))
        kind = "stopped" if fault is Fault.MOTOR_HOT else "failed"  # As with an empty battery.
        self._raise_fault(t_ns, fault, ending=replace(ending_of(fault), kind=kind))

    @staticmethod
    def _refusal(battery: Battery) -> Outcome:
        percent = (f"{100.0 * battery.charge:.0f}",)
        return Outcome(kind="refused", reason="battery_empty", facts=percent)

    @property
    def _has_ended(self) -> bool:
        """Whether there is nothing left to do but to settle."""
        if self._recovery.stage is Stage.UPRIGHT:
            return self._words.is_over and self._is_idle
        return self._recovery.stage is Stage.DOWN

    @property
    def _is_idle(self) -> bool:
        """Whether nothing is being done or thought about."""
        return not self._hearing.is_thinking and self._executive.is_idle

    def _show_tick(self, t_ns: int) -> None:
        """Let onlookers see the tick that is over; not part of any deadline of the robot's."""
        self._trace.add_tick(self._state, self._asked)
        snapshot = Snapshot(
            t_ns=t_ns,
            state=self._state,
            target=self._asked,
            base=self._base,
            scene=self._sight.scene,
            step=DOING.get(self._recovery.stage, self._executive.current),
            loops=self.loops,
        )
        for observer in self._observers:
            observer.on_tick(snapshot)
        self._tidy()

    def _tidy(self) -> None:
        """Let Python give back what it holds for later, each time that there is nothing to do.

        A whole collection alone empties its lists of free tuples, floats and the like, which take
        megabytes once they are full; a cycle left behind by a skill goes with them.
        """
        was_tidy, self._is_tidy = self._is_tidy, self._is_idle
        if self._is_tidy and not was_tidy:
            gc.collect()

    def _keep_up(self, t_ns: int, percept: Percept) -> JointTarget | None:
        """Look out for a fall; while it lasts, return what gets the robot up."""
        recovery = self._recovery
        before, falls = recovery.stage, len(recovery.falls)
        target = recovery.tick(percept)
        if self._stop.is_latched or self._watch.has(Action.SIT, t_ns):
            recovery.stay_down()
        if len(recovery.falls) > falls:
            self._executive.break_off()
            self._tell(t_ns, "fault", f"fallen {len(recovery.falls)}")
        if recovery.stage is Stage.RISING and before is not Stage.RISING:
            self._say(t_ns, Outcome(kind="failed", reason="rising"))
        if recovery.stage in FALLEN:
            self._watch.see(Fault.FALLEN, t_ns)
        elif recovery.stage is Stage.DOWN and before is Stage.SITTING and not recovery.falls:
            self._tell(t_ns, "down", "sits limp")
        elif recovery.stage is Stage.DOWN and before is not Stage.DOWN:
            self._raise_fault(t_ns, Fault.STAYS_DOWN)
        elif before is Stage.RISING:
            fall = recovery.falls[-1]
            lay_s = (t_ns - fall.t_ns) * 1e-9
            self._tell(t_ns, "up", f"after {lay_s:.1f} s, tries: {fall.tries}")
        return target

    # -- mind: 50 Hz --------------------------------------------------------------------------

    def _mind_tick(self, t_ns: int) -> None:
        if self._attendance is not None:
            self._heed_attendance(t_ns, self._attendance)
        if self._stop.right != self._heeded:
            self._heed_stop(t_ns)
            stopped = self._hearing.stopped()
            self._understanding = self._understanding or stopped
            self._words.is_over |= not self._words.is_conversation
            return
        said = self._words.next(t_ns, is_idle=self._is_idle)
        if said is not None:
            self._listen(t_ns, said)
        if self._heard_in != self._lease.epoch:
            self._hearing.forget()  # Who asked no longer leads.
        if not self._hearing.is_thinking:
            return
        answer = self._hearing.answer(t_ns)
        if self._hearing.is_late and not self._watch.ticks[Fault.MIND_LATE]:
            self._raise_fault(t_ns, Fault.MIND_LATE)
        if answer is not None:
            self._take_on(t_ns, answer)
        elif self._executive.is_idle and (step := self._hearing.first_step()) is not None:
            self._follows = self._heard_in
            self._executive.begin_ahead(step)

    def _listen(self, t_ns: int, said: Said) -> None:
        """Hear a sentence: an order to stop from anybody, all else from who leads."""
        self._sentence = said.sentence
        self._tell(t_ns, "heard", said.sentence)
        if not is_stop_order(said.sentence):
            if not self._leads(t_ns, said):
                return
            if self._stop.is_latched:
                self._answer_stopped(t_ns)
                return
        self._heard_in = self._lease.epoch
        context = replace(
            self._context, things=self._remembered(), holding=(*self._executive.held, "")[0]
        )
        self._hearing.ask(said.sentence, t_ns, context)

    def _leads(self, t_ns: int, said: Said) -> bool:
        """Whether a sentence comes from who leads and is to be understood."""
        operator, epoch = said.operator, self._lease.epoch
        is_led = self._lease.leader(t_ns) not in ("", operator)
        takes_over = is_led and is_take_over_order(said.sentence)
        fault = self._lease.admit(operator, said.number, now_ns=t_ns, takes_over=takes_over)
        if epoch and epoch != self._lease.epoch:  # Who comes first takes nothing from anybody.
            self._tell(t_ns, "lease", f"{operator} leads from now on")
        if fault is None and not takes_over:
            return True
        self.language = hear(said.sentence).tongue.value
        if fault is not None:
            self._raise_fault(t_ns, fault, operator)
        reason = fault.name.lower() if fault is not None else "leads"
        self._say(t_ns, Outcome(kind="refused", reason=reason))
        return False

    def _heed_attendance(self, t_ns: int, attendance: Attends) -> None:
        """Stop unless somebody watches; whoever does keeps the lead without a word."""
        for operator in attendance.present:
            self._lease.renew(operator, now_ns=t_ns)
        fault = attendance.missing()
        if fault is None:
            return
        if not self._stop.is_latched:
            self._stop.ask()
        if self._watch.see(fault, t_ns):
            self._tell(t_ns, "fault", fault.name.lower())
            self._say(t_ns, Outcome(kind="stopped", reason=fault.name.lower()))

    def _remembered(self) -> tuple[Seen, ...]:
        """Return the things that the eyes are sure of, with the places they are on."""
        places = self.simulation.floor_plan.places
        return tuple(
            Seen(
                name=thing.name,
                place=next((place.name for place in places if is_on(place, thing)), ""),
            )
            for thing in self._sight.scene.things
            if thing.confidence >= SURE and thing.kind != "person"
        )

    def _take_on(self, t_ns: int, understanding: Understanding) -> None:
        self._understanding = understanding
        self._heard.append(
            HeardReport(
                sentence=self._sentence,
                source=understanding.source,
                mind=understanding.mind,
                why=understanding.why,
                ms=round(understanding.latency_s * 1e3, 1),
            )
        )
        self.language = understanding.language
        self._context = self._context.after(understanding.turn)
        self._tell(t_ns, "plan", str(understanding.plan))
        if understanding.source == "stop":
            self._stop.ask()
            self._heed_stop(t_ns)
        elif self._meter is not None and self._meter.battery.is_empty:
            self._say(t_ns, self._refusal(self._meter.battery))
        elif not self._executive.is_idle and (reply := as_reply(understanding.plan)) is not None:
            self._say(t_ns, reply)  # Whoever is asked in mid-walk need not stop to say no.
        else:
            self._follows = self._heard_in
            self._executive.follow(understanding.plan)

    def _heed_stop(self, t_ns: int) -> None:
        """Obey an order to stop: whoever stands stands still, whoever lies stays down."""
        self._heeded = self._stop.right
        self._recovery.stay_down()
        self._raise_fault(t_ns, Fault.STOP_ASKED)

    def _answer_stopped(self, t_ns: int) -> None:
        """Answer what is said while a stop holds: only the word to go on is obeyed."""
        self.language = hear(self._sentence).tongue.value
        goes_on = is_go_on_order(self._sentence) and self._stop.rearm(self._heeded)
        if goes_on:
            self._watch.end(Fault.STOP_ASKED)
            self._watch.end(Fault.CHECK_IN_MISSED)
            self._tell(t_ns, "go_on", self._sentence)
        reason = "goes_on" if goes_on else "stop_holds"
        self._say(t_ns, Outcome(kind="refused", reason=reason))
        self._heard.append(
            HeardReport(sentence=self._sentence, source="rule", mind="", why="stopped", ms=0.0)
        )

    def _on_begin(self, step: Step) -> None:
        self._tell(self._state.t_ns, "begin", str(step))

    def _on_end(self, record: StepRecord) -> None:
        t_ns = record.end_ns
        self._tell(t_ns, "end", f"{record.step}: {record.outcome}")
        if record.reason in ASKING and self._context.turns:
            self._context = self._context.asking("which", record.step)
        elif record.reason in TELLING and self._context.turns:
            self._context = self._context.told(record.facts[:: TELLING[record.reason]])
        outcome = Outcome(kind=record.outcome, reason=record.reason, facts=record.facts)
        is_last = record.outcome == "done" and self._executive.is_idle
        if is_last and self._words.is_conversation and not record.reason:
            outcome = replace(outcome, reason="all_done")
        self._say(t_ns, outcome)

    def _say(self, t_ns: int, outcome: Outcome) -> None:
        text = word_outcome(outcome, self.language, sentence=self._sentence)
        if text:
            self.said.append(text)
            self._tell(t_ns, "say", text)

    # -- reflex: 500 Hz --------------------------------------------------------------------

    def _reflex_tick(self, t_ns: int) -> None:
        if self._felt.is_missing and not self._is_limp:
            self._sense_body(t_ns)  # At once, not in 20 ms.
            self._react(t_ns)
        if self._is_limp:
            self._body.stop()
            return
        right = self._stop.right
        self._sent, faults = gate_target(
            self._asked,
            self._sent,
            self._state,
            self._bounds,
            token=self._asked_under,
            writer=right,
            now_ns=t_ns,
        )
        if right != self._asked_under:
            faults -= TARGET_FOREIGN  # What a stop has overtaken is nobody's fault.
        if not faults:
            self._obeyed_ns = t_ns
        elif is_target_lost(self._obeyed_ns, self._bounds, now_ns=t_ns):
            faults |= TARGET_LOST
        for fault in faults:
            self._raise_fault(t_ns, fault)
            self._react(t_ns)
        if self._is_limp:
            self._body.stop()
        else:
            self._body.write(self._sent)

    @property
    def _is_limp(self) -> bool:
        return self._recovery.stage is Stage.DOWN

    # -- book-keeping ----------------------------------------------------------------------

    def _hold(self, state: RobotState) -> JointTarget:
        return JointTarget(
            t_ns=state.t_ns,
            position=state.joint_position,
            stiffness=self._robot.stiffness,
            damping=self._robot.damping,
        )

    def _raise_fault(
        self, t_ns: int, fault: Fault, detail: str = "", *, ending: Outcome | None = None
    ) -> None:
        is_news = self._watch.see(fault, t_ns)
        if is_news:
            self._tell(t_ns, "fault", f"{fault.name.lower()} {detail}".strip())
        if TABLE[fault].action >= Action.HOLD and (is_news or TABLE[fault].ends is not Ends.NEVER):
            self._executive.interrupt(ending or ending_of(fault))

    def _react(self, t_ns: int) -> None:
        """Do what the worst of all faults that hold asks of the whole body."""
        action = self._watch.action(t_ns)
        if action is Action.DAMP:
            self._recovery.go_limp()
        elif action is Action.SIT and self._executive.is_idle:
            self._recovery.sit_down()

    def _tell(self, t_ns: int, kind: str, text: str) -> None:
        if kind != "fault":  # When a fault is seen on the wall clock is this machine's affair.
            self._trace.add_event(t_ns, f"{kind} {text}")
        for observer in self._observers:
            observer.on_event(t_ns, kind, text)

    def _report(self, sim_s: float, wall_s: float) -> RunReport:
        records = self._executive.records
        plan: Plan | None = self._understanding.plan if self._understanding else None
        outcome = records[-1].outcome if records else "failed"
        if self._watch.ticks[Fault.BATTERY_EMPTY]:
            outcome = "failed" if any(r.step.skill != "stop" for r in records) else "refused"
        if not self._executive.is_idle:
            outcome = "failed"
        loops = {loop.name: loop for loop in self.loops}
        return RunReport(
            sentence=self._sentence,
            language=self.language,
            outcome=outcome,
            plan=[str(step) for step in plan.steps] if plan else [],
            steps=[
                StepReport(
                    step=str(record.step),
                    outcome=record.outcome,
                    start_s=round(record.start_ns * 1e-9, 3),
                    end_s=round(record.end_ns * 1e-9, 3),
                    reason=record.reason,
                )
                for record in records
            ],
            said=self.said,
            seen=sorted({thing.name for thing in self._sight.scene.things}),
            falls=len(self._recovery.falls),
            down_s=[
                round(((fall.end_ns or self._state.t_ns) - fall.t_ns) * 1e-9, 2)
                for fall in self._recovery.falls
            ],
            heard=self._heard,
            bill=self._meter.bill(sim_s) if self._meter else None,
            pushes=[str(push) for push in self._pushed],
            mujoco_warnings=self._body.warnings(),
            real_time_factor=round(sim_s / wall_s, 3),
            sim_s=round(sim_s, 3),
            wall_s=round(wall_s, 3),
            latency_ms={
                "understand": self._hearing.took.summary(),
                "senses": self._sight.took.summary(),
                "policy": self._walker.took.summary(),
                "control": loops["policy"].took.summary(),
                "reflex": loops["reflex"].took.summary(),
            },
            deadline_misses={
                "understand": self._hearing.misses,
                "senses": self._sight.misses,
                "policy": loops["policy"].misses,
                "reflex": loops["reflex"].misses,
            },
            faults={fault.name.lower(): count for fault, count in self._watch.ticks.items()},
            trace_sha256=self._trace.hexdigest(),
            clock="wall" if self.clock.is_real_time else "sim",
            world=self.simulation.world,
            seed=self.simulation.seed,
            policy_late_ms=loops["policy"].late.values.tolist(),
        )
