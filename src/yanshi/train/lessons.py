"""The lessons of `yanshi train`."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from yanshi.policies.contract import Contract, load_contract, policy_folder
from yanshi.robots.g1.spec import G1
from yanshi.train import walk
from yanshi.train.export import walker_settings
from yanshi.train.g1_fleet import JOINTS
from yanshi.train.lesson import Lesson, Origin
from yanshi.train.ppo import Policy, Polish, PPOConfig
from yanshi.train.standing import handed_robots
from yanshi.train.task import Task
from yanshi.train.walk import WalkConfig, WalkTask
from yanshi.train.warm_start import READY_WALKER, copy_network

_WALKING = PPOConfig(
    horizon=48,
    discount=0.98,
    trace=1.0,
    kl_target=0.005,
    polish=Polish(share=0.25, log_std=-2.0, kl_target=0.002),
    actor_rate=2e-6,
    actor_rate_range=(5e-7, 1e-3),
    critic_first=15,
    first_log_std=-1.0,
    log_std_min=-1.0,
)


_PRACTISED = WalkConfig(first_level=1.0, calm_share=0.6, stand_share=0.5)
"""What a walker meets that has learnt before: above all it is to become exact."""
_WALKING_ON = replace(
    _WALKING,
    critic_first=40,  # It begins with noise, at the hardest level.
    first_log_std=-1.8,
    log_std_min=-1.8,
    polish=Polish(share=0.6, log_std=-2.5, kl_target=0.002),
)


def walk_lesson(
    config: WalkConfig | None = None, *, is_warm: bool = True, after: Contract | None = None
) -> Lesson:
    """Return how to walk with free arms.

    Args:
        config: What the walker meets while it learns.
        is_warm: Whether it begins as a ready walker instead of with noise.
        after: A walker of this lesson as which it begins instead, at the hardest level.
    """
    config = config or (_PRACTISED if after else WalkConfig())
    begin = _copy_ready_walker if is_warm else None
    if after is not None:
        begin = partial(_copy_walker, after)
    return Lesson(
        name="walk",
        about="Walks after velocity and posture commands; the arms are somebody else's.",
        robot=G1,
        make=partial(_make_walk_task, config),
        tick_s=config.physics.tick_s,
        terms=walk.TERMS,
        joints=JOINTS,
        acts_on=JOINTS[: walk.OWN],
        action_scale=(walk.ACTION_SCALE,) * walk.OWN,
        action_offset=tuple(G1.default_position[G1.joint_indices(JOINTS[: walk.OWN])].tolist()),
        action_limit=walk.ACTION_LIMIT,
        ppo=_WALKING if after is None else _WALKING_ON,
        robots=config.robots,
        begin=begin,
        settings=walker_settings(config),
    )


def _make_walk_task(config: WalkConfig, *, robots: int, threads: int, seed: int) -> Task:
    # Fewer robots meet fewer different bodies, so all shards together meet as many.
    models = max(1, round(config.variety.models * robots / config.robots))
    variety = replace(config.variety, models=models)
    task = replace(config, robots=robots, threads=threads, variety=variety)
    if not config.handed_share:
        return WalkTask(task, seed)
    handed = handed_robots()
    return WalkTask(task, seed, handed if len(handed.state) else None)


def _copy_ready_walker(
    policy: Policy, *, seed: int, threads: int, say: Callable[[str], None]
) -> Origin:
    """Begin as a ready walker that sees nothing of its arms and follows its commands fully."""
    contract = load_contract(policy_folder(READY_WALKER), G1)
    gain = contract.numbers("command_gain", 3)
    copy_network(
        policy.actor,
        walk.TERMS,
        contract,
        joints=JOINTS[: walk.OWN],
        scales={"velocity_command": [1.0 / g for g in gain[:2]], "turn_command": [1.0 / gain[2]]},
    )
    return Origin.of(contract)


def _copy_walker(
    after: Contract, policy: Policy, *, seed: int, threads: int, say: Callable[[str], None]
) -> Origin:
    copy_network(policy.actor, walk.TERMS, after, joints=JOINTS, scales={})
    return Origin.of(after)
