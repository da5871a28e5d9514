"""Which link of a robot's model does what."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkNames:
    """Names of links (bodies of the model) by what they do; pairs are left, right."""

    root: str
    """The pelvis, with the IMU."""
    torso: str
    """The link that carries arms and head."""
    feet: tuple[str, str]
    """The links with the soles: their small spheres touch the floor."""
    shoulders: tuple[str, str]
    """The links about whose origin the upper arms turn."""
    hands: tuple[str, str]
    """The last links of the arms."""
    palm: tuple[float, float, float]
    """Middle of the palm in the frame of either hand, m."""
