"""A conversation as a person sees it in the terminal: what the robot says, and what it is doing."""

from rich.console import Console

from yanshi.runtime.observer import Observer

QUIET = {"plan": "dim", "fault": "red", "up": "green", "lease": "yellow"}
"""Events that are shown besides what is said, and how."""


class Talk(Observer):
    """Prints what the robot says as it says it."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def on_event(self, t_ns: int, kind: str, text: str) -> None:
        if kind == "say":
            self._print(f"偃师: {text}", "bold green")
        elif kind == "heard" and not self._console.is_terminal:
            self._print(f"> {text}", "")
        elif kind in QUIET:
            self._print(f"    {text}", QUIET[kind])

    def _print(self, text: str, style: str) -> None:
        self._console.print(text, style=style, highlight=False, markup=False, soft_wrap=True)
