"""A conversation typed to `yanshi chat` is answered, logged and ended."""

import subprocess
import sys


def test_who_talks_is_answered_in_the_same_language_and_the_log_is_kept(tmp_path):
    log = tmp_path / "talk.mcap"
    talk = subprocess.run(
        [sys.executable, "-m", "yanshi", "chat", "--world", "empty", "--record", str(log)],
        input="挥手\n你能做什么\nstop\n",
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert talk.returncode == 0, talk.stderr
    answers = [line for line in talk.stdout.splitlines() if line.startswith("偃师: ")]
    assert "好了" in answers[0]
    assert len(answers) == 3
    assert "stop" in answers[-1].casefold()
    assert "last hash" in talk.stdout
    assert log.stat().st_size > 10_000
