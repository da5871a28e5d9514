"""Say how many of the mutants of `make mutants` were killed; fail below 95 %."""

import json
import subprocess
import sys
from pathlib import Path

KILLED_MIN = 0.95

subprocess.run(
    [sys.executable, "-m", "mutmut", "export-cicd-stats"], check=True, stdout=subprocess.DEVNULL
)
stats = json.loads(Path("mutants/mutmut-cicd-stats.json").read_text(encoding="utf8"))
killed, total = stats["killed"] + stats["timeout"], stats["total"]
print(f"{killed} of {total} mutants of safety/ killed: {killed / max(total, 1):.1%}")
if killed < KILLED_MIN * max(total, 1):
    sys.exit("Survivors: .venv/bin/mutmut results, .venv/bin/mutmut show NAME")
