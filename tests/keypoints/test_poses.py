import dataclasses

import numpy as np
import pytest

from syrip_gen.keypoints.poses import PoseSet


def pose_set(count, stem="a"):
    return PoseSet(
        keypoints=np.full((count, 17, 3), 2.0),
        image_size=np.full((count, 2), 100),
        bbox=np.full((count, 4), 10.0),
        image_id=np.arange(count),
        annotation_id=np.arange(count),
        file_name=tuple(f"{i}.jpg" for i in range(count)),
        posture=("",) * count,
        pose_id=tuple(f"{stem}/{i}/{i}" for i in range(count)),
        source=(f"{stem}.json",),
    )


def test_concatenation_keeps_order_and_makes_names_unique():
    joined = PoseSet.concatenate([pose_set(2), pose_set(1, "b"), pose_set(2)])
    assert len(joined) == 5
    assert joined.pose_id == ("a/0/0", "a/1/1", "b/0/0", "a/0/0#2", "a/1/1#2")
    assert joined.source == ("a.json", "b.json", "a.json")


def test_concatenating_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        PoseSet.concatenate([])


def test_select_by_mask():
    chosen = pose_set(3).select(np.array([True, False, True]))
    assert chosen.pose_id == ("a/0/0", "a/2/2")
    assert chosen.image_id.tolist() == [0, 2]


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"keypoints": np.zeros((2, 19, 3))}, r"keypoints must have shape \(2, 17, 3\), got \(2, 19, 3\)"),
        ({"bbox": np.zeros((3, 4))}, r"bbox must have shape \(2, 4\)"),
        ({"posture": ("",)}, "posture must have 2 entries, got 1"),
        ({"pose_id": ("x", "x")}, "unique"),
        ({"keypoints": np.full((2, 17, 3), np.nan)}, "finite"),
    ],
)
def test_inconsistent_arrays_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(pose_set(2), **changes)
