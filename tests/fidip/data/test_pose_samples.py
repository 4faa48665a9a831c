import numpy as np
import pytest

from fidip.data.pose_samples import PoseSamples, concatenate
from syrip_gen.keypoints.catalog import COCO17, MPII16


def make(count=3, schema=COCO17, **more):
    keypoints = np.random.default_rng(0).uniform(1, 100, (count, len(schema), 3))
    keypoints[..., 2] = 2
    values = {
        "source": "made up",
        "schema": schema,
        "keypoints": keypoints,
        "boxes": np.arange(count * 4.0).reshape(count, 4),
        "image_ids": np.arange(count),
        "frames": np.arange(count),
        "subjects": tuple("abcdefgh"[:count]),
        "sequences": ("x",) * count,
        "image_paths": (None,) * count,
        "image_sizes": np.full((count, 2), 9),
    }
    return PoseSamples(**{**values, **more})


def test_select_takes_positions_and_masks():
    samples = make(intrinsics=np.arange(12.0).reshape(3, 4))
    chosen = samples.select([2, 0])
    assert chosen.subjects == ("c", "a")
    np.testing.assert_array_equal(chosen.keypoints, samples.keypoints[[2, 0]])
    np.testing.assert_array_equal(chosen.intrinsics, [[8, 9, 10, 11], [0, 1, 2, 3]])
    assert samples.select(np.array([False, True, False])).subjects == ("b",)
    assert len(samples.select([])) == 0


def test_concatenate_fills_what_one_part_lacks():
    first, second = make(2), make(1, keypoints_3d=np.ones((1, 17, 3)), head_px=np.ones(1), notes=("n",))
    joined = concatenate([first, second])
    assert len(joined) == 3
    assert np.isnan(joined.keypoints_3d[:2]).all()
    np.testing.assert_array_equal(joined.keypoints_3d[2], 1)
    np.testing.assert_array_equal(joined.head_px, [np.nan, np.nan, 1])
    assert joined.intrinsics is None
    assert joined.notes == ("n",)


def test_concatenate_refuses_different_schemas():
    with pytest.raises(ValueError, match=r"different schemas \(coco17, mpii16\)"):
        concatenate([make(1), make(1, schema=MPII16)])
    with pytest.raises(ValueError, match="no samples"):
        concatenate([])


def test_same_schema_is_the_same_object():
    samples = make()
    assert samples.in_schema(COCO17) is samples


@pytest.mark.parametrize(
    "change, words",
    [
        ({"boxes": np.zeros((2, 4))}, r"boxes must be \(3, 4\), got \(2, 4\)"),
        ({"keypoints_3d": np.zeros((3, 16, 3))}, r"keypoints_3d must be \(3, 17, 3\), got \(3, 16, 3\)"),
        ({"subjects": ("a",)}, "3 poses but 1 subjects"),
    ],
)
def test_wrong_shapes_are_refused(change, words):
    with pytest.raises(ValueError, match=words):
        make(**change)
