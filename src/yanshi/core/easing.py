"""How a share of a way grows when the way begins and ends gently."""


def smoothstep(share: float) -> float:
    """Return 3s² - 2s³ of a share s from 0 to 1: at rest at both ends, steepest in the middle."""
    return share * share * (3.0 - 2.0 * share)
