"""Every error this package raises on purpose.

* YanshiError
  - ConfigError: a value in a file or flag cannot be used
  - UnknownNameError: a name is not in the model, manifest or registry
  - AssetError: a part that is not ours is missing or is not the one we pinned
  - ContractError: a policy does not fit the robot or its own network file
  - PlanError: a text is not a plan in the plan language
  - UnreachableError: a goal lies outside what the robot can reach
  - BodyError: the robot, real or simulated, did not answer
"""

import difflib
from collections.abc import Iterable


class YanshiError(Exception):
    """Base class: catch this to catch everything raised on purpose.

    Args:
        message: What was asked, what was found, what would work; in English.
        zh: The same in Chinese, where a user is likely to meet it.
    """

    def __init__(self, message: str, *, zh: str = "") -> None:
        super().__init__(message)
        self.zh = zh

    def text(self, language: str) -> str:
        """Return the message in a language (`zh…` or another), English where it has no other."""
        return self.zh if self.zh and language.startswith("zh") else str(self)


class ConfigError(YanshiError):
    """A value in a file or flag cannot be used."""


class UnknownNameError(YanshiError):
    """A name is not in the model, manifest or registry it was looked up in."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        close = difflib.get_close_matches(name, names, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        hint_zh = f"是不是想说 {close[0]!r}？" if close else ""
        super().__init__(
            f"No {kind} named {name!r}.{hint} Known: {', '.join(names) or 'none'}.",
            zh=f"没有名为 {name!r} 的 {kind}。{hint_zh}可用的有：{'、'.join(names) or '无'}。",
        )


class AssetError(YanshiError):
    """A part that is not ours is missing or is not the one we pinned."""


class ContractError(YanshiError):
    """A policy does not fit the robot or its own network file."""


class PlanError(YanshiError):
    """A text is not a plan in the plan language."""


class UnreachableError(YanshiError):
    """A goal lies outside what the robot can reach."""


class BodyError(YanshiError):
    """The robot, real or simulated, did not answer."""
