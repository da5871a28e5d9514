"""A task as stable-baselines3 wants it, to compare with, or to try its other methods.

Either all robots of a task are one vector environment, or every robot is a Gymnasium environment of
its own, as is usual there.
"""

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv

from yanshi.train.task import Task


class RobotEnv(gymnasium.Env[NDArray[np.float32], NDArray[np.float32]]):
    """The only robot of a task as a Gymnasium environment."""

    def __init__(self, task: Task) -> None:
        seen, acted = _spaces(task)
        self.observation_space: gymnasium.spaces.Space[Any] = seen
        self.action_space: gymnasium.spaces.Space[Any] = acted
        self._task = task

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Return what is seen now: episodes begin by themselves."""
        return self._task.observe()[0][0].copy(), {}

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Do one tick; what is seen after the last tick of an episode is its last."""
        outcome = self._task.step(np.asarray(action)[None])
        failed, over = bool(outcome.has_failed[0]), bool(outcome.is_over[0])
        if failed or over:
            seen = outcome.last_critic_input[:, : self._task.actor_width]
        else:
            seen = self._task.observe()[0]
        return seen[0].copy(), float(outcome.reward[0]), failed, over, {}


class TaskVecEnv(VecEnv):
    """All robots of a task as environments; actor and critic see what the actor sees."""

    def __init__(self, task: Task) -> None:
        super().__init__(task.n, *_spaces(task))
        self._task = task
        self._action = np.zeros((task.n, task.action_width), np.float32)

    def reset(self) -> NDArray[np.float32]:
        """Return what is seen now: episodes begin by themselves."""
        return self._task.observe()[0].copy()

    def step_async(self, actions: NDArray[np.float32]) -> None:
        """Take the actions of the next tick."""
        self._action = actions

    def step_wait(
        self,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Do the tick."""
        outcome = self._task.step(self._action)
        ended = outcome.has_failed | outcome.is_over
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for who in np.flatnonzero(ended):
            last = outcome.last_critic_input[who, : self._task.actor_width]
            infos[who] = {
                "terminal_observation": last.copy(),
                "TimeLimit.truncated": bool(outcome.is_over[who]),
            }
        return self._task.observe()[0].copy(), outcome.reward, ended, infos

    def close(self) -> None:
        """Do nothing: whoever made the task ends it."""

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return an attribute of each environment: they have none of their own."""
        return [None] * len(self._rows(indices))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Refuse: the robots share one task."""
        raise AttributeError(attr_name)

    def env_method(
        self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any
    ) -> list[Any]:
        """Refuse: the robots share one task."""
        raise AttributeError(method_name)

    def env_is_wrapped(self, wrapper_class: type[Any], indices: Any = None) -> list[bool]:
        """Say that no robot is wrapped."""
        return [False] * len(self._rows(indices))

    def _rows(self, indices: Any) -> Sequence[int]:
        return list(self._get_indices(indices))


def _spaces(task: Task) -> tuple[gymnasium.spaces.Box, gymnasium.spaces.Box]:
    """Return the spaces of observations and actions."""
    box = gymnasium.spaces.Box
    return (
        box(-np.inf, np.inf, (task.actor_width,), np.float32),
        box(-20.0, 20.0, (task.action_width,), np.float32),
    )
