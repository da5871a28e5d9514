"""Share the rig."""

import pytest
from tests.skills.rig import Rig


@pytest.fixture
def rig() -> Rig:
    return Rig()
