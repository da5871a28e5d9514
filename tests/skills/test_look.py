"""What is reported was seen; what lies elsewhere is not reported."""

import numpy as np
from tests.skills.rig import TABLE, Rig, thing


def test_looking_at_the_table_tells_what_is_on_it_and_nothing_else():
    rig = Rig(
        seen=[
            thing("red cup", 1.9, 0.3),
            thing("blue book", 2.1, -0.2),
            thing("green apple", 0.1, 2.5),
            thing("white can", 1.9, 0.0, confidence=0.4),
        ]
    )
    outcome = rig.do("look", "table")
    assert (outcome.kind, outcome.reason) == ("done", "saw")
    assert outcome.facts == ("blue book", "red cup")
    assert rig.off(*TABLE.centre) < np.deg2rad(10.0)


def test_a_bare_table_is_said_to_be_bare(rig: Rig):
    rig.plan = rig.plan
    outcome = rig.do("look", "table")
    assert (outcome.kind, outcome.reason, outcome.facts) == ("done", "saw_nothing", ("table",))


def test_looking_around_turns_full_circle_and_tells_all():
    rig = Rig(lurking=[(thing("red cup", -1.5, 0.0), 0.5), (thing("person", 0.0, -1.5, 1.0), 0.5)])
    turned, last = 0.0, 0.0

    def watch(rig: Rig) -> None:
        nonlocal turned, last
        turned += (rig.yaw - last + np.pi) % (2 * np.pi) - np.pi
        last = rig.yaw

    outcome = rig.do("look", "around", watch=watch)
    assert outcome.facts == ("person", "red cup")
    assert turned > np.deg2rad(340.0)


def test_looking_at_a_kind_tells_how_many_there_are_and_where_each_is():
    rig = Rig(
        seen=[
            thing("red cup", 1.9, 0.3),
            thing("green cup", 2.1, -0.2),
            thing("blue cup", 0.1, 2.5, 0.05),
            thing("blue book", 2.0, 0.1),
        ]
    )
    outcome = rig.do("look", "cup")
    assert (outcome.kind, outcome.reason) == ("done", "saw_where")
    assert outcome.facts == ("blue cup", "", "green cup", "table", "red cup", "table")


def test_looking_at_one_thing_tells_where_it_is():
    rig = Rig(seen=[thing("red cup", 1.9, 0.3)])
    assert rig.do("look", "red cup").facts == ("red cup", "table")
