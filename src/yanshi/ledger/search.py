"""Every mind on every board: which of them nothing else beats in price, endurance and time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from yanshi.ledger.catalog import Board, Model, Robot
from yanshi.ledger.roofline import NeededError
from yanshi.ledger.verdict import Question, Verdict, judge

OURS = "gemma-3-270m"
"""The model that our adapter belongs to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One mind on one board."""

    question: Question
    verdict: Verdict

    @property
    def name(self) -> str:
        """What it is called in a table."""
        q = self.question
        return f"{q.mind.id}-{q.precision} on {q.board.id}"

    @property
    def costs(self) -> tuple[float, float, float]:
        """Price in $, endurance lost in %, time in ms: less is better."""
        return (
            self.verdict["price of both"],
            self.verdict["endurance lost"],
            self.verdict["sense, understand, act"],
        )

    @property
    def has_room(self) -> bool:
        """Whether it fits into the board's memory."""
        return self.verdict["memory used"] <= self.verdict["memory there"]

    @property
    def size_b(self) -> float:
        """Parameters used for a token, in billions."""
        return self.question.mind.params_active_b or 0.0


def sweep(
    robot: Robot, boards: Iterable[Board], minds: Iterable[Model]
) -> tuple[list[Candidate], dict[str, str]]:
    """Judge every mind on every board.

    Returns:
        What could be judged and has a price, and why the others could not be, by board.
    """
    found: list[Candidate] = []
    unknown: dict[str, str] = {}
    models = [model for model in minds if model.kind.startswith(("LLM", "VLM"))]
    for board in boards:
        for model in models:
            for precision in precisions(board):
                question = Question(
                    robot=robot,
                    board=board,
                    mind=model,
                    precision=precision,
                    is_ours=model.id == OURS,
                )
                try:
                    candidate = Candidate(question=question, verdict=judge(question))
                    assert candidate.costs
                except NeededError as error:
                    unknown[board.id if board.id in str(error) else model.id] = str(error)
                except StopIteration:
                    unknown[board.id] = f"The price of {board.id} or of {robot.id} is not known."
                else:
                    found.append(candidate)
    return found, unknown


def precisions(board: Board) -> tuple[str, ...]:
    """Return the precisions that the runtime of a board runs models in."""
    four = {"tensorrt": "int4", "vllm": "int4", "rkllm": ""}.get(board.runtime, "q4")
    eight = {"llama.cpp": "q8"}.get(board.runtime, "int8")
    fp4 = ("nvfp4",) if board.fp4_tflops_dense else ()
    return tuple(name for name in (four, eight, "bf16", *fp4) if name)


def front(candidates: Sequence[Candidate], least_b: float = 0.0) -> list[Candidate]:
    """Return the candidates that fit and that no other beats, the cheapest first.

    One beats another if it costs no more of anything and less of something.

    Args:
        candidates: What was judged.
        least_b: Smallest model, in billions of parameters used for a token.
    """
    fitting = [one for one in candidates if one.verdict.fits and one.size_b >= least_b]
    best = [one for one in fitting if not any(_beats(other, one) for other in fitting)]
    return sorted(best, key=lambda candidate: candidate.costs)


def _beats(other: Candidate, one: Candidate) -> bool:
    pairs = list(zip(other.costs, one.costs, strict=True))
    return other.costs != one.costs and all(their <= our for their, our in pairs)
