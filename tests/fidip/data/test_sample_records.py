"""Any dataset as records to train on."""

import numpy as np
import pytest

from fidip.data.layouts.detect import read_pose_samples
from fidip.data.sample_records import sample_records
from syrip_gen.keypoints.catalog import COCO17, MINIRGBD25, MPII16
from tests.fidip.data.layouts.dataset_writers import write_mini_rgbd

TO_MPII16 = [8, 5, 2, 1, 4, 7, 0, 9, 12, 24, 21, 19, 17, 16, 18, 20]


def test_mini_rgbd_teaches_mpiis_keypoints_by_the_published_list(tmp_path):
    write_mini_rgbd(tmp_path, {1: [0, 1], 2: [5]})
    samples = read_pose_samples(tmp_path)
    records = sample_records(tmp_path, MPII16, is_synthetic=True).records
    assert len(records) == 3
    for record, own in zip(records, samples.keypoints, strict=True):
        np.testing.assert_allclose(record.keypoints, own[TO_MPII16], rtol=1e-6)
        assert record.image_path.is_file()
        assert record.is_synthetic
    unmapped = sample_records(tmp_path, MPII16, is_synthetic=True, by_order=True).records
    np.testing.assert_allclose(unmapped[0].keypoints, samples.keypoints[0, :16], rtol=1e-6)
    assert len(MINIRGBD25) == samples.keypoints.shape[1]


def test_a_dataset_without_its_pictures_teaches_nothing(tmp_path):
    write_mini_rgbd(tmp_path, {1: [0]})
    for picture in (tmp_path / "01" / "rgb").iterdir():
        picture.unlink()
    with pytest.raises((ValueError, FileNotFoundError), match=r"rgb|picture"):
        sample_records(tmp_path, COCO17, is_synthetic=False)
