import pytest

from tests.fidip.models.networks_to_load import resnet, tiny


@pytest.fixture(scope="module")
def trained():
    """A network whose weights are not those of ``resnet()``."""
    return resnet(seed=7)


@pytest.fixture(scope="module")
def donor():
    """A tiny network whose weights are not those of ``tiny()``."""
    return tiny(seed=7)
