"""The parts that think, each in a process of its own, kept warm from run to run."""

from yanshi.bodies.simulation import Simulation
from yanshi.core.closing import Closing
from yanshi.ledger.weather import Weather
from yanshi.mind.brains import BrainChoice
from yanshi.runtime.eyes_process import EyesProcess


class Brain(Closing):
    """The mind and the eyes; use it as a context manager."""

    def __init__(self, choice: BrainChoice | None = None, weather: Weather | None = None) -> None:
        """Start both.

        Args:
            choice: Which mind; the one on board if None.
            weather: The link to a mind in the cloud, where it is not to be the real one alone.
        """
        self.mind = (choice or BrainChoice()).start(weather)
        self.eyes = EyesProcess()

    def enter(self, world: str, seed: int) -> None:
        """Send the eyes to a world; returns at once."""
        self.eyes.enter(world, seed)

    def wait_ready(self, simulation: Simulation) -> None:
        """Wait until eyes and mind can answer.

        Raises:
            BodyError: There is no renderer, or the eyes died.
            AssetError: The language model is missing or is not the pinned one.
        """
        self.mind.know(simulation.floor_plan)
        self.eyes.wait_ready()
        self.mind.wait_ready()

    def close(self) -> None:
        """End both processes."""
        self.mind.close()
        self.eyes.close()
