"""Turn sentences into plans with the on-board model."""

from yanshi.mind.mind import Mind
from yanshi.worlds.home import build_home

mind = Mind()
mind.know(build_home(seed=1).floor_plan)
mind.wait_ready()
for sentence in (
    "走到桌子前，然后挥挥手",
    "go to the shelf and tell me what is on it",
    "飞到月球上去",
):
    thought = mind.understand(sentence)
    print(f"{sentence} → {thought.plan}  ({thought.source}, {thought.latency_s * 1e3:.0f} ms)")
mind.close()
