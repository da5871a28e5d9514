"""Tasks of a few lines whose best policy is known, to try learners and trainers on."""

from dataclasses import replace
from functools import partial

import numpy as np

from yanshi.policies.contract import Term
from yanshi.robots.g1.spec import G1
from yanshi.train.lesson import Lesson
from yanshi.train.ppo import PPOConfig
from yanshi.train.task import Outcome, arrays_of, put_back

WAIST = ("waist_yaw", "waist_roll", "waist_pitch")
SAME = (np.array([0, 1, 2]), np.ones(3, np.float32))
TERMS = (Term(name="gravity", start=0, width=3, scale=1.0),)
LEARNING = PPOConfig(
    horizon=8,
    minibatches=2,
    critic_first=1,
    discount=0.0,
    actor_rate=3e-3,
    actor_rate_range=(1e-4, 1e-2),
    kl_target=0.02,
    actor_layers=(16,),
    critic_layers=(16,),
)


class Aim:
    """Every tick shows a point; the best action is `GAIN` times it, which the reward says."""

    GAIN = 0.5
    actor_width = critic_width = action_width = 3
    actor_mirror = critic_mirror = action_mirror = SAME

    def __init__(self, n, seed, *, spoilt_from=None):
        self.n = n
        self._rng = np.random.default_rng(seed)
        self._ticks = np.zeros(1, dtype=int)
        self._point = np.zeros((n, 3), np.float32)
        self.spoilt_from = spoilt_from

    def observe(self):
        self._point[:] = self._rng.uniform(-1.0, 1.0, (self.n, 3))
        return self._point, self._point

    def step(self, action):
        self._ticks += 1
        reward = -((action - self.GAIN * self._point) ** 2).sum(axis=1)
        if self.spoilt_from is not None and self._ticks[0] > self.spoilt_from:
            reward[0] = np.nan
        return Outcome(
            reward=reward.astype(np.float32),
            has_failed=np.zeros(self.n, dtype=bool),
            is_over=np.full(self.n, self._ticks[0] % 5 == 0),
            last_critic_input=self._point.copy(),
            parts={"aim": float(reward.mean())},
        )

    def progress(self):
        return {"ticks": float(self._ticks[0])}

    def state_dict(self):
        return {"rng": self._rng.bit_generator.state, "arrays": arrays_of(self)}

    def load_state_dict(self, state):
        self._rng.bit_generator.state = state["rng"]
        put_back(self, state["arrays"])


def make_aim(spoilt_from, *, robots, threads, seed):
    return Aim(robots, seed, spoilt_from=spoilt_from)


def aim_lesson(*, spoilt_from=None, **changes):
    """Return a lesson that takes seconds; `spoilt_from` is the tick that brings a NaN."""
    lesson = Lesson(
        name="aim",
        about="Aims.",
        robot=G1,
        make=partial(make_aim, spoilt_from),
        tick_s=0.02,
        terms=TERMS,
        joints=WAIST,
        acts_on=WAIST,
        action_scale=(0.1, 0.1, 0.1),
        action_offset=(0.0, 0.0, 0.0),
        action_limit=5.0,
        ppo=LEARNING,
        robots=16,
    )
    return replace(lesson, **changes)
