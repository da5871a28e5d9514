"""A model whose answers stand in a file, so that a test can say what it writes."""

import json
from pathlib import Path

from yanshi.mind.model import ModelConfig


class Script:
    """Looks a sentence up in the JSON file that stands in the place of a model; see `Backend`."""

    def __init__(self, config: ModelConfig) -> None:
        self._path = Path(config.source)

    def complete(self, prompt, language, on_text=None):
        script = json.loads(self._path.read_text(encoding="utf8"))
        said = prompt.strip()
        with self._path.with_suffix(".asked").open("a", encoding="utf8") as file:
            file.write(json.dumps(said, ensure_ascii=False) + "\n")
        answer = script.get(said, "wave")
        text, confidence = answer if isinstance(answer, list) else (answer, 0.99)
        return text, confidence, (len(said), len(text))


class Scripted:
    """The file of a script, from the test's side."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "script.json"
        self.say({})

    @property
    def config(self) -> ModelConfig:
        return ModelConfig(source=str(self.path))

    @property
    def asked(self) -> list[str]:
        asked = self.path.with_suffix(".asked")
        if not asked.exists():
            return []
        return [json.loads(line) for line in asked.read_text(encoding="utf8").splitlines()]

    def say(self, answers: dict) -> None:
        """Answer so from now on: a draft, or a draft and how sure it is."""
        partial = self.path.with_suffix(".partial")
        partial.write_text(json.dumps(answers), encoding="utf8")
        partial.replace(self.path)
