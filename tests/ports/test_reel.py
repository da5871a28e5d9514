"""A reel keeps a frame per period and develops into a film of them all."""

from types import SimpleNamespace

import av
import numpy as np

from yanshi.bodies.film import FilmConfig
from yanshi.bodies.simulation import simulate
from yanshi.core.messages import Step
from yanshi.ports.reel import Reel, ascii_caption

SMALL = FilmConfig(width=96, height=64, fps=10)


def test_captions_are_ascii():
    assert ascii_caption(Step(skill="go", arguments=("red cup",))) == "go red cup"
    assert ascii_caption(Step(skill="say", arguments=("你好",))) == "say"
    assert ascii_caption(None) == ""


def test_a_run_of_half_a_second_becomes_a_film_of_its_frames(tmp_path):
    simulation = simulate("home", 4)
    reel, path = Reel(simulation, SMALL), tmp_path / "run.mp4"
    for tick in range(25):
        simulation.body.advance(0.02)
        reel.on_tick(
            SimpleNamespace(t_ns=tick * 20_000_000, step=Step(skill="go", arguments=("table",)))
        )
    reel.develop(path)
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) == 5
    assert frames[0].shape == (64, 96, 3)
    assert np.std(frames[0]) > 10.0
    assert list(tmp_path.iterdir()) == [path]


def test_a_step_is_about_the_thing_or_place_that_it_names():
    simulation = simulate("home", 4)
    reel, home = Reel(simulation, SMALL), simulation.home
    thing = home.things[0]
    subject = reel._subject(Step(skill="point", arguments=(thing.name,)))
    np.testing.assert_allclose(subject, simulation.body.data.body(thing.body).xpos)
    place = home.floor_plan.place("shelf")
    shelf = reel._subject(Step(skill="go", arguments=("shelf",)))
    np.testing.assert_allclose(shelf[:2], place.centre, atol=1e-9)
    assert np.isnan(reel._subject(Step(skill="dance"))).all()
    assert np.isnan(reel._subject(None)).all()
