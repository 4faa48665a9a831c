import numpy as np
import pytest

from syrip_gen.keypoints.readers import read_poses
from syrip_gen.quality.statistics import (
    HISTOGRAMS,
    Reservoir,
    collect_statistics,
    pose_statistics,
)


def record(visibility, box=50, reason=None, pose_id="a"):
    keypoints = np.column_stack([np.full((17, 2), 5.0), visibility])
    return {
        "image": {"width": 100, "height": 80, "posture": "Prone"},
        "annotation": {
            "keypoints": keypoints.ravel().tolist(),
            "bbox": [0, 0, box, 10],
            "source": {"pose_id": pose_id},
        },
        "rejected": {reason: 2} if reason else {},
    }


def test_counts():
    failed = {"index": 3, "kind": "rejected", "reason": "no good scene", "rejected": {"too small": 20}}
    first = record([2] * 10 + [1] * 5 + [0] * 2, reason="too small")
    statistics = collect_statistics([first, record([2] * 17, pose_id="b"), failed])
    assert (statistics.num_images, statistics.num_failed) == (2, 1)
    assert statistics.visibility.sum(axis=0).tolist() == [2, 5, 27]
    assert statistics.visibility[16].tolist() == [1, 0, 1]
    assert statistics.rejections == {"too small": 22}
    assert statistics.failures == {"no good scene": 1}
    assert statistics.categories["posture"] == {"Prone": 2}
    assert statistics.poses == {"a": 1, "b": 1}
    assert statistics.histograms["num_visible"][[10, 17]].tolist() == [1, 1]


@pytest.mark.parametrize("box, place", [(0, 0), (4.9, 0), (5, 1), (99.9, 19), (100, 19), (5000, 19)])
def test_histogram_bins(box, place):
    item = record([2] * 17)
    item["annotation"]["bbox"] = [0, 0, box, 0]
    counts = collect_statistics([item]).histograms["box_size"]
    assert counts.sum() == 1
    assert counts[place] == 1


def test_wrong_keypoint_count_is_an_error():
    bad = record([2] * 17)
    bad["annotation"]["keypoints"] = [0] * 57
    with pytest.raises(ValueError, match="expected 17 COCO keypoints a record, got 19"):
        collect_statistics([bad])


def test_edges_rise():
    for spec in HISTOGRAMS.values():
        assert (np.diff(spec.edges) > 0).all()


def test_reservoir_keeps_everything_of_a_short_stream():
    reservoir = Reservoir(5, np.random.default_rng(0))
    for n in range(3):
        reservoir.offer(n)
    assert reservoir.items == [0, 1, 2]


def test_reservoir_is_an_even_sample_in_order():
    hits = np.zeros(50)
    for seed in range(400):
        reservoir = Reservoir(5, np.random.default_rng(seed))
        for n in range(50):
            reservoir.offer(n)
        assert reservoir.items == sorted(reservoir.items)
        hits[reservoir.items] += 1
    assert hits.sum() == 2000
    assert hits.min() > 15
    assert hits.max() < 70


def test_real_poses(shared_data):
    poses = read_poses(shared_data / "infant_2d" / "syrip_real_383.json")
    statistics = pose_statistics(poses)
    assert statistics.num_images == 383
    assert statistics.categories["posture"] == {"Sitting": 149, "Prone": 103, "Supine": 90, "Standing": 41}
    assert statistics.visibility.sum(axis=0).tolist() == [13, 291, 6207]
