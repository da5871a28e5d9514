"""The lesson of `yanshi train track`: a routine's file becomes something that can be learnt."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from yanshi.control.bearing import Bearing, bear
from yanshi.control.figure import Figure
from yanshi.control.reference import RATE_HZ, Reference, measure_reach, plan_reference
from yanshi.control.routine import Routine, read_routine
from yanshi.control.routine_check import check
from yanshi.core.errors import ConfigError
from yanshi.policies.contract import Contract, load_contract, policy_folder
from yanshi.policies.motion import ROUTINE_FILE, write_motion
from yanshi.robots.g1.links import G1_LINKS
from yanshi.robots.g1.model import load_g1
from yanshi.robots.g1.spec import G1
from yanshi.train import track
from yanshi.train.balance import copy_balance
from yanshi.train.g1_fleet import JOINTS
from yanshi.train.lesson import Lesson, Origin
from yanshi.train.ppo import Policy, Polish, PPOConfig
from yanshi.train.standing import standing_robots
from yanshi.train.task import Task
from yanshi.train.track import TrackConfig, TrackTask
from yanshi.train.warm_start import READY_WALKER, copy_network

_PERFORMING = PPOConfig(
    horizon=48,
    trace=1.0,
    kl_target=0.015,
    polish=Polish(share=0.5, log_std=-2.3, kl_target=0.004),
    actor_rate=1e-5,
    critic_first=15,
    symmetry=0.0,  # A routine has a left and a right.
    first_log_std=-1.2,
    log_std_min=-1.2,
)
_SHOWN = 5
"""How many complaints an error repeats."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Piece:
    """A routine that may be learnt, with its motion."""

    routine: Routine
    reference: Reference
    bearing: Bearing
    reach: float
    """See `measure_reach`."""

    def write(self, folder: Path) -> None:
        """Put what a performer needs beside its policy.

        Raises:
            ConfigError: The disk takes no more.
        """
        write_motion(self.reference, self.bearing, self.reach, self.routine.path, G1, folder)


def plan_piece(path: Path) -> Piece:
    """Read, plan and check a routine.

    Raises:
        ConfigError: It cannot be read, or a robot could not do it; the message says why.
    """
    figure = Figure(G1, load_g1(with_looks=False), G1_LINKS)
    routine = read_routine(path, G1)
    reference = plan_reference(routine, figure)
    complaints = check(routine, reference, figure)
    if complaints:
        more = len(complaints) - _SHOWN
        rest, rest_zh = (f"\n… and {more} more", f"\n……还有 {more} 条") if more > 0 else ("", "")
        raise ConfigError(
            f"{path} cannot be performed as it is:\n"
            + "\n".join(complaint.en for complaint in complaints[:_SHOWN])
            + f"{rest}\n`yanshi choreograph` shows the keyframes while they are edited.",
            zh=f"{path} 还不能表演：\n"
            + "\n".join(complaint.zh for complaint in complaints[:_SHOWN])
            + f"{rest_zh}\n用 `yanshi choreograph` 边改边看。",
        )
    return Piece(
        routine=routine,
        reference=reference,
        bearing=bear(reference, figure),
        reach=measure_reach(reference, figure),
    )


def track_lesson(
    piece: Piece,
    config: TrackConfig | None = None,
    *,
    is_warm: bool = True,
    after: Contract | None = None,
) -> Lesson:
    """Return how to perform a routine.

    Args:
        piece: What to perform.
        config: What the performer meets while it learns.
        is_warm: Whether it begins with a ready walker's balance instead of with noise.
        after: The performer of another routine, with whose network it begins instead: who has
            learnt to stand on one foot need not learn it again.
    """
    config = config or TrackConfig()
    begin = partial(_copy_balance, piece) if is_warm else None
    if after is not None:
        begin = partial(_copy_performer, after)
    return Lesson(
        name=f"track_{_name_of(piece.routine.path)}",
        about=f"Performs a routine: {piece.routine.en} {piece.routine.zh}.",
        robot=G1,
        make=partial(_make_track_task, config, piece.reference, piece.bearing),
        tick_s=config.physics.tick_s,
        terms=track.TERMS,
        joints=JOINTS,
        acts_on=JOINTS,
        action_scale=tuple(track.ACTION_SCALE.tolist()),
        action_offset=tuple(G1.default_position[G1.joint_indices(JOINTS)].tolist()),
        action_limit=track.ACTION_LIMIT,
        ppo=_PERFORMING,
        robots=config.robots,
        begin=begin,
        settings=track_settings(),
    )


def _copy_balance(
    piece: Piece, policy: Policy, *, seed: int, threads: int, say: Callable[[str], None]
) -> Origin:
    contract = load_contract(policy_folder(READY_WALKER), G1)
    indices = G1.joint_indices(JOINTS)
    copy_balance(
        policy.actor,
        track.TERMS,
        contract,
        scale=track.ACTION_SCALE,
        borne=(piece.bearing.target - piece.reference.joint_position)[0, indices],
    )
    return Origin.of(contract)


def _copy_performer(
    after: Contract, policy: Policy, *, seed: int, threads: int, say: Callable[[str], None]
) -> Origin:
    copy_network(policy.actor, track.TERMS, after, joints=JOINTS, scales={})
    return Origin.of(after)


def track_settings() -> dict[str, float | str]:
    """Return what a performer must know: how far ahead it sees, and what actions are added to."""
    return {"ahead_s": track.AHEAD_TICKS / RATE_HZ, "around": "the targets of motion.npz"}


def _name_of(path: Path) -> str:
    """Return what a routine's training is called: its file's name, or its folder's."""
    name = path.resolve().parent.name if path.name == ROUTINE_FILE else path.stem
    return name.removeprefix("g1_")


def _make_track_task(
    config: TrackConfig,
    reference: Reference,
    bearing: Bearing,
    *,
    robots: int,
    threads: int,
    seed: int,
) -> Task:
    # Fewer robots meet fewer different bodies, so all shards together meet as many.
    models = max(1, round(config.variety.models * robots / config.robots))
    variety = replace(config.variety, models=models)
    return TrackTask(
        replace(config, robots=robots, threads=threads, variety=variety),
        reference,
        bearing,
        seed,
        standing_robots(),
    )
