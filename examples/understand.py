"""Turn sentences into plans with the on-board model."""

from yanshi.mind.mind import Mind
from yanshi.worlds.home import build_home

SENTENCES = ("走到桌子前，然后挥挥手", "what is on the shelf?", "飞到月球上去")


def main() -> None:
    """Ask the mind and print what it understood."""
    mind = Mind()
    mind.know(build_home(seed=1).floor_plan)
    mind.wait_ready()
    for sentence in SENTENCES:
        thought = mind.understand(sentence)
        took_ms = thought.latency_s * 1e3
        print(f"{sentence} → {thought.plan}  ({thought.source}, {took_ms:.0f} ms)")
    mind.close()


if __name__ == "__main__":  # The model runs in a process of its own, which reads this file too.
    main()
