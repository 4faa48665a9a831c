"""The warm-up leaves its stamp, and the stamp belongs to the code."""

import pytest

from syrip_gen.sampling.options import SamplingOptions
from syrip_gen.stages import warm_up


@pytest.fixture
def cache_folder(tmp_path, monkeypatch):
    """Stamps of this test lie apart."""
    monkeypatch.setattr(warm_up, "numba_cache_folder", lambda: tmp_path)
    return tmp_path


def test_stamp_is_left_when_everything_is_compiled(cache_folder, textures):
    assert not warm_up.is_compiled()
    options = SamplingOptions(width=128, height=96, textures=str(textures))
    warm_up.compile_all("infant", options, "raster")
    assert warm_up.is_compiled()


def test_stamp_is_void_when_the_code_changes(cache_folder, monkeypatch):
    warm_up._stamp().touch()
    assert warm_up.is_compiled()
    monkeypatch.setattr(warm_up.numba, "__version__", "0")
    assert not warm_up.is_compiled()


def test_failure_in_the_background_is_silent(capfd):
    process = warm_up.WarmUp("no-such-body.npz", SamplingOptions(), "raster")
    process.wait()
    assert capfd.readouterr() == ("", "")
