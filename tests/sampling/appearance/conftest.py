"""One painter of the embedded body, small and shared: building it takes seconds."""

import pytest

from syrip_gen.body import BodyAssets, load_body
from syrip_gen.sampling.appearance import Painter


@pytest.fixture(scope="session")
def infant() -> BodyAssets:
    return load_body("infant")


@pytest.fixture(scope="session")
def painter(infant: BodyAssets) -> Painter:
    return Painter(infant, size=256)
