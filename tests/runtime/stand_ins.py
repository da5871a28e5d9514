"""A mind and eyes without models, so that a run takes a moment: faults can be put into both."""

from types import SimpleNamespace

import numpy as np

from yanshi.bench import bare_brain
from yanshi.bodies.simulation import Simulation, simulate
from yanshi.core.errors import BodyError
from yanshi.core.messages import Plan, Step
from yanshi.mind.dialogue import NOWHERE, Context, Turn
from yanshi.mind.mind import Understanding
from yanshi.mind.stop_words import is_go_on_order, is_stop_order, is_take_over_order
from yanshi.mind.tongue import hear
from yanshi.runtime.episode import Episode, EpisodeConfig
from yanshi.runtime.eyes_process import Glance
from yanshi.runtime.observer import Observer, Snapshot
from yanshi.senses.map_match import Viewpoint


class PlainMind:
    """Takes sentences for plans as they are written: `go table; wave`."""

    deadline_s = 0.3

    def __init__(self) -> None:
        self.asked: list[str] = []
        """Every sentence that reached it."""
        self.is_mute = False
        """Whether it never answers."""
        self._answer: Understanding | None = None

    def ask(self, sentence: str, context: Context = NOWHERE) -> None:
        self.asked.append(sentence)
        steps = tuple(Step(skill=s, arguments=tuple(a)) for s, *a in words_of(sentence))
        self._answer = None if self.is_mute else self._understood(Plan(steps=steps), sentence)
        if is_go_on_order(sentence) or is_take_over_order(sentence):
            self._answer = self.say_again(sentence)
        if is_stop_order(sentence):
            self._answer = self.stopped(sentence)

    def poll(self, timeout_s: float = 0.0) -> Understanding | None:
        return self._answer

    def first_step(self) -> Step | None:
        return None

    def say_again(self, sentence: str) -> Understanding:
        return self._understood(Plan(steps=(Step(skill="ask", arguments=("what",)),)), sentence)

    def stopped(self, sentence: str) -> Understanding:
        return self._understood(Plan(steps=(Step(skill="stop"),)), sentence, "stop")

    def _understood(self, plan: Plan, sentence: str, source: str = "rule") -> Understanding:
        language = hear(sentence).tongue.value
        return Understanding(
            plan=plan, language=language, source=source, latency_s=0.0, turn=Turn(plan=plan)
        )


def words_of(sentence: str) -> list[list[str]]:
    return [part.split() for part in sentence.split(";")]


class ClosedEyes(bare_brain.ClosedEyes):
    """Sees nothing, in time; may be slow or die."""

    def __init__(self) -> None:
        super().__init__()
        self.is_dead = self.is_slow = False

    def look(
        self, t_ns: int, qpos: np.ndarray, viewpoint: Viewpoint, *, want_rgb: bool = False
    ) -> None:
        if self.is_dead:
            raise BodyError("The eyes' process ended.")
        super().look(t_ns, qpos, viewpoint, want_rgb=want_rgb)

    def collect(self, timeout_s: float) -> Glance | None:
        return None if self.is_slow else super().collect(timeout_s)


class Onlooker(Observer):
    """Hears every event, and may do something at a moment."""

    def __init__(self) -> None:
        self.events: list[tuple[int, str, str]] = []
        self.at: dict[int, object] = {}
        self.trouble = ""

    @property
    def fault(self) -> str:
        return self.trouble

    def on_tick(self, snapshot: Snapshot) -> None:
        act = self.at.pop(snapshot.t_ns // 1_000_000, None)
        if callable(act):
            act()

    def on_event(self, t_ns: int, kind: str, text: str) -> None:
        self.events.append((t_ns, kind, text))

    def ends(self) -> list[str]:
        return [text for _, kind, text in self.events if kind == "end"]


class Run(SimpleNamespace):
    """A run that can begin, and its parts."""

    episode: Episode
    simulation: Simulation
    mind: PlainMind
    eyes: ClosedEyes
    onlooker: Onlooker


def prepare(
    world: str = "empty", seed: int = 0, onlooker: Onlooker | None = None, **options: object
) -> Run:
    """Return a run on the simulated clock that can begin."""
    simulation = simulate(world, seed)
    mind, eyes, onlooker = PlainMind(), ClosedEyes(), onlooker or Onlooker()
    options.setdefault("config", EpisodeConfig(settle_ms=200))
    episode = Episode(simulation, mind, eyes, observers=[onlooker], **options)
    return Run(episode=episode, simulation=simulation, mind=mind, eyes=eyes, onlooker=onlooker)
