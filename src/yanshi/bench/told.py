"""A mind that takes sentences for plans as they are written: for benches of the body alone."""

from yanshi.core.messages import Plan, Step
from yanshi.mind.dialogue import NOWHERE, Context, Turn
from yanshi.mind.language import PlanLanguage
from yanshi.mind.mind import Understanding


class Told:
    """Understands the plan language and nothing else."""

    deadline_s = 0.3

    def __init__(self, language: PlanLanguage) -> None:
        """Take the language of the world that the plans are for."""
        self._language = language
        self._answer: Understanding | None = None

    def ask(self, sentence: str, context: Context = NOWHERE) -> None:
        """Read a plan.

        Raises:
            PlanError: It is none.
        """
        self._answer = self._understood(self._language.parse(sentence))

    def poll(self, timeout_s: float = 0.0) -> Understanding | None:
        """Return the plan."""
        return self._answer

    def first_step(self) -> Step | None:
        """Return nothing: plans come whole."""
        return None

    def say_again(self, sentence: str) -> Understanding:
        """Ask back."""
        return self._understood(Plan(steps=(Step(skill="ask", arguments=("what",)),)))

    def stopped(self, sentence: str) -> Understanding:
        """Stop."""
        return self._understood(Plan(steps=(Step(skill="stop"),)))

    def _understood(self, plan: Plan) -> Understanding:
        return Understanding(
            plan=plan, language="en", source="rule", latency_s=0.0, turn=Turn(plan=plan)
        )
