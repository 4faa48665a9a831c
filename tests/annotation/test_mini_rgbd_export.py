import json

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

import cli
from fidip.data.layouts.coco import read_coco_poses
from fidip.data.layouts.mini_rgbd import FRAMES_PER_SEQUENCE, read_mini_rgbd
from fidip.detection.records import read_pictures
from fidip.evaluation.dataset_truth import read_truth
from fidip.evaluation.lifted import recordings
from fidip.lifting.pose_files import read_poses_3d
from fidip.lifting.poses_2d import read_poses_2d
from syrip_gen.annotation.boxes import mask_rle
from syrip_gen.annotation.coco import ANNOTATION_FILE, IMAGE_FOLDER
from syrip_gen.annotation.mini_rgbd_export import export_mini_rgbd, group_frames
from syrip_gen.annotation.mini_rgbd_frames import Camera, resample
from syrip_gen.body.load import load_body
from syrip_gen.body.posing import pose_body
from syrip_gen.keypoints.catalog import COCO17, SMPL24

SIZE = (320, 240)


def made_up(body, number, rng, **source):
    """One image and annotation as syrip generate writes them, and the body's joints."""
    betas, pose = rng.normal(0, 0.5, body.num_betas).round(6), rng.normal(0, 0.15, 72).round(6)
    transl = np.array([0.0, 0.0, 1.2])
    posed = pose_body(body, betas, pose[:3], pose[3:], transl)
    points = (body.keypoint_regressor @ posed.vertices).round(6)
    fx = 300.0 + 10 * number
    pixels = points[:, :2] / points[:, 2:] * fx + (160, 120)
    mask = np.zeros(SIZE[::-1], bool)
    mask[40 : 60 + number, 50:120] = True
    image = {"id": number, "file_name": f"train{number:05d}.jpg", "width": SIZE[0], "height": SIZE[1]}
    annotation = {
        "id": number, "image_id": number, "category_id": 1, "iscrowd": 0, "bbox": [50, 40, 70, 20 + number],
        "keypoints": np.column_stack([pixels, np.full(17, 2)]).round(3).ravel().tolist(),
        "keypoints_3d_m": points.tolist(),
        "camera": {"fx": fx, "fy": fx, "cx": 160.0, "cy": 120.0},
        "body": {"betas": betas.tolist(), "pose": pose.tolist(), "transl": transl.tolist()},
        "source": source, "segmentation": mask_rle(mask),
    }  # fmt: skip
    return image, annotation, posed.joints


@pytest.fixture(scope="module")
def infant():
    return load_body("infant")


@pytest.fixture
def dataset(tmp_path, infant):
    """A folder with six pictures of three poses; returns it and the joints of each picture."""
    rng = np.random.default_rng(0)
    made = [made_up(infant, n, rng, pose_id=f"p/{n % 3}") for n in range(1, 7)]
    folder = tmp_path / "data"
    (folder / IMAGE_FOLDER).mkdir(parents=True)
    for image, _, _ in made:
        picture = np.full((*SIZE[::-1], 3), 40 * image["id"], np.uint8)
        cv2.imwrite(str(folder / IMAGE_FOLDER / image["file_name"]), picture)
    write(folder, [m[0] for m in made], [m[1] for m in made])
    return folder, {image["id"]: joints for image, _, joints in made}


def write(folder, images, annotations):
    (folder / ANNOTATION_FILE).parent.mkdir(parents=True, exist_ok=True)
    (folder / ANNOTATION_FILE).write_text(json.dumps({"images": images, "annotations": annotations}))


def change(folder, number, **changes):
    """Change an annotation in the file; None removes."""
    data = json.loads((folder / ANNOTATION_FILE).read_text())
    annotation = data["annotations"][number]
    for key, value in changes.items():
        annotation[key] = value
        if value is None:
            del annotation[key]
    (folder / ANNOTATION_FILE).write_text(json.dumps(data))


def image_ids(out):
    """Image id by (sequence, frame) as frames.csv says."""
    rows = [row.split(",") for row in (out / "frames.csv").read_text().splitlines()[1:]]
    return {(sequence, int(frame)): int(image_id) for sequence, frame, image_id, _ in rows}


def keys_of(samples):
    """Sequence and frame that each sample was read from, which single pictures do not say themselves."""
    frames = samples.image_ids % FRAMES_PER_SEQUENCE
    return list(zip(samples.subjects, frames.tolist(), strict=True))


def test_what_is_written_is_read_back(dataset, tmp_path):
    folder, joints = dataset
    result = export_mini_rgbd(folder, tmp_path / "out")
    assert (result.num_frames, result.num_sequences, result.failures) == (6, 3, ())
    samples = read_mini_rgbd(tmp_path / "out")
    ids = image_ids(tmp_path / "out")
    original = read_coco_poses(folder)
    position = {image_id: n for n, image_id in enumerate(original.image_ids.tolist())}
    assert len(samples) == 6
    assert not samples.failures
    coco = samples.in_schema(COCO17)
    nose = COCO17.index("nose")
    for n, key in enumerate(keys_of(samples)):
        own = position[ids[key]]
        np.testing.assert_allclose(samples.keypoints_3d[n, :24], joints[ids[key]], atol=6e-7)
        np.testing.assert_allclose(coco.keypoints_3d[n, nose], original.keypoints_3d[own, nose], atol=6e-7)
        np.testing.assert_allclose(coco.keypoints[n, nose], original.keypoints[own, nose], atol=1e-3)
        np.testing.assert_array_equal(samples.intrinsics[n], original.intrinsics[own])
        np.testing.assert_array_equal(samples.boxes[n], original.boxes[own])
        np.testing.assert_array_equal(samples.image_sizes[n], SIZE)
        picture = cv2.imread(str(samples.image_paths[n]))
        assert abs(int(picture[0, 0, 0]) - 40 * ids[key]) <= 2


def test_3d_projects_to_2d(dataset, tmp_path):
    export_mini_rgbd(dataset[0], tmp_path / "out")
    samples = read_mini_rgbd(tmp_path / "out")
    fx, fy, cx, cy = samples.intrinsics.T[:, :, None]
    x, y, z = np.moveaxis(samples.keypoints_3d, -1, 0)
    np.testing.assert_allclose(samples.keypoints[..., 0], fx * x / z + cx, atol=1e-3)
    np.testing.assert_allclose(samples.keypoints[..., 1], fy * y / z + cy, atol=1e-3)


def test_pictures_of_one_pose_share_a_sequence(dataset, tmp_path):
    export_mini_rgbd(dataset[0], tmp_path / "out")
    ids = image_ids(tmp_path / "out")
    sequence_of = {image_id: sequence for (sequence, _), image_id in ids.items()}
    for first in (1, 2, 3):
        assert sequence_of[first] == sequence_of[first + 3]
    assert len(set(sequence_of.values())) == 3


def test_single_pictures_are_marked_and_read_as_no_movement(dataset, tmp_path):
    result = export_mini_rgbd(dataset[0], tmp_path / "out")
    assert result.num_singles == 3
    assert "3 sequences are single pictures, no movements (single_pictures.txt)" in result.summary()
    samples = read_mini_rgbd(tmp_path / "out")
    assert set(samples.sequences) == {""}
    assert samples.frames.tolist() == [-1] * 6
    assert samples.notes[0] == "single pictures, no movements: the sequences 01, 02, 03"
    assert len(np.unique(read_poses_3d(tmp_path / "out").clip)) == 6
    assert len(np.unique(read_poses_2d(tmp_path / "out", COCO17).clip)) == 6
    truth = read_truth(tmp_path / "out").labelled
    assert [len(r) for r in recordings([p.sequence for p in truth], [p.frame for p in truth])] == [1] * 6
    masks = [record.instances[0].mask_file for record in read_pictures(tmp_path / "out").records]
    assert sorted(mask.relative_to(tmp_path / "out").as_posix() for mask in masks) == [
        f"{sequence:02d}/fg_mask/mask_{frame:05d}.png" for sequence in (1, 2, 3) for frame in (0, 1)
    ]


def test_takes_become_sequences_in_their_order():
    def frame(number, clip, take):
        return {"id": number, "source": {"clip": clip, "take": take, "frame": number}}

    annotations = [frame(1, "a", 0), frame(2, "b", 0), frame(3, "a", 0), frame(4, "a", 1)]
    groups = group_frames(annotations)
    assert [[a["id"] for a in group] for group in groups] == [[1, 3], [2], [4]]


def test_many_poses_fill_twelve_sequences_evenly():
    annotations = [{"id": n, "source": {"pose_id": f"p{n // 2}"}} for n in range(100)]
    groups = group_frames(annotations)
    assert len(groups) == 12
    assert {len(group) for group in groups} == {8, 10}
    assert all([a["id"] for a in g] == sorted(a["id"] for a in g) for g in groups)
    poses = [{a["source"]["pose_id"] for a in group} for group in groups]
    assert sum(map(len, poses)) == len(set.union(*poses)) == 50


def test_head_lengths_are_from_neck_to_head(dataset, tmp_path):
    folder, joints = dataset
    export_mini_rgbd(folder, tmp_path / "out")
    samples = read_mini_rgbd(tmp_path / "out")
    ids = image_ids(tmp_path / "out")
    neck, head = SMPL24.index("neck"), SMPL24.index("head")
    for n, sequence in enumerate(samples.subjects):
        own = [joints[i] for (name, _), i in ids.items() if name == sequence]
        expected = np.mean([np.linalg.norm(j[head] - j[neck]) for j in own]) * 1000
        assert samples.head_mm[n] == pytest.approx(expected, abs=1e-3)
    assert (samples.head_px > 0).all()


def test_mini_rgbds_camera_moves_pictures_and_keeps_space(dataset, tmp_path):
    folder, joints = dataset
    export_mini_rgbd(folder, tmp_path / "out", camera="mini-rgbd")
    samples = read_mini_rgbd(tmp_path / "out")
    ids = image_ids(tmp_path / "out")
    camera = Camera.mini_rgbd()
    for n, key in enumerate(keys_of(samples)):
        np.testing.assert_allclose(samples.keypoints_3d[n, :24], joints[ids[key]], atol=6e-7)
        assert samples.intrinsics[n].tolist() == list(camera.as_row()[:4])
        assert samples.image_sizes[n].tolist() == [640, 480]
        number = ids[key]
        scale = camera.fx / (300 + 10 * number), camera.fy / (300 + 10 * number)
        left, top = (50 - 160) * scale[0] + camera.cx, (40 - 120) * scale[1] + camera.cy
        expected = [left, top, 70 * scale[0], (20 + number) * scale[1]]
        np.testing.assert_allclose(samples.boxes[n], expected, atol=1.01)
    assert not (tmp_path / "out" / "01" / "cameras.csv").exists()


@pytest.mark.parametrize("smooth", [False, True])
def test_resampling_puts_a_dot_where_the_camera_sees_it(smooth):
    source, target = Camera(300, 310, 160, 120, 320, 240), Camera(900, 930, 500, 400, 1000, 800)
    picture = np.zeros((240, 320), np.uint8)
    picture[100, 200] = 255  # its middle: (200.5, 100.5)
    moved = resample(picture, source, target, smooth=smooth).astype(float)
    rows, columns = np.indices(moved.shape) + 0.5
    x, y = (columns * moved).sum() / moved.sum(), (rows * moved).sum() / moved.sum()
    assert x == pytest.approx((200.5 - 160) * 3 + 500, abs=0.02)
    assert y == pytest.approx((100.5 - 120) * 3 + 400, abs=0.02)


def test_depth_is_copied_where_there_is_any(dataset, tmp_path):
    folder, _ = dataset
    (folder / "depth" / "train_infant").mkdir(parents=True)
    depth = np.arange(320 * 240, dtype=np.uint16).reshape(240, 320)
    cv2.imwrite(str(folder / "depth" / "train_infant" / "train00001.png"), depth)
    export_mini_rgbd(folder, tmp_path / "out")
    (sequence, frame), _ = next(item for item in image_ids(tmp_path / "out").items() if item[1] == 1)
    copied = cv2.imread(
        str(tmp_path / f"out/{sequence}/depth/syn_{frame:05d}_depth.png"), cv2.IMREAD_UNCHANGED
    )
    np.testing.assert_array_equal(copied, depth)
    assert sum(path.name == "depth" for path in (tmp_path / "out").glob("*/depth")) == 1


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"body": None}, "it has no 'body' and 'camera'"),
        ({"camera": {"fx": 0, "fy": 1, "cx": 1, "cy": 1}}, "its camera is not one"),
        ({"keypoints_3d_m": [[0, 0, 1]] * 16}, r"keypoints_3d_m is (16, 3); expected (17, 3)"),
        ({"keypoints_3d_m": [[0, 0, 1]] * 17}, "was made with another body model; name it with --body"),
        ({"body": {"betas": [0], "pose": [0] * 66, "transl": [0, 0, 1]}}, "66 pose numbers"),
        ({"image_id": 99}, "its image 99 has no usable file_name"),
        ({"segmentation": {"size": [5, 5], "counts": "0"}}, "its segmentation is [5, 5]"),
    ],
)
def test_annotations_that_cannot_be_written_are_listed(dataset, tmp_path, changes, words):
    folder, _ = dataset
    change(folder, 3, **changes)
    result = export_mini_rgbd(folder, tmp_path / "out")
    assert result.num_frames == 5
    assert len(result.failures) == 1
    assert result.failures[0].startswith("annotation 4: ")
    assert words in result.failures[0]
    assert len(read_mini_rgbd(tmp_path / "out")) == 5
    assert 4 not in image_ids(tmp_path / "out").values()


@pytest.mark.parametrize("content", [None, b"", b"no picture"])
def test_missing_and_broken_pictures_are_listed(dataset, tmp_path, content):
    folder, _ = dataset
    path = folder / IMAGE_FOLDER / "train00002.jpg"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    result = export_mini_rgbd(folder, tmp_path / "out")
    assert result.failures == (
        "annotation 2: images/train_infant/train00002.jpg is missing or does not decode",
    )


def test_an_output_that_is_not_empty_is_refused_and_kept(dataset, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("x")
    with pytest.raises(ValueError, match="is not empty"):
        export_mini_rgbd(dataset[0], tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_nothing_is_left_of_a_failed_export(dataset, tmp_path):
    folder, _ = dataset
    for number in range(6):
        change(folder, number, body=None)
    with pytest.raises(ValueError, match="no frame could be written: annotation"):
        export_mini_rgbd(folder, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_command(dataset, tmp_path):
    folder, _ = dataset
    (folder / IMAGE_FOLDER / "train00002.jpg").unlink()
    words = ["export", str(folder), "--mini-rgbd", str(tmp_path / "out"), "--json", str(tmp_path / "f.json")]
    done = CliRunner().invoke(cli.main, words)
    assert done.exit_code == 3, done.output
    assert "5 frames in 3 sequences, 25 joints each" in done.output
    assert json.loads((tmp_path / "f.json").read_text())["num_failures"] == 1


@pytest.mark.parametrize(
    "words, message",
    [
        ([], "either --onnx FILE, --mini-rgbd DIR"),
        (["--onnx", "m.onnx", "--mini-rgbd", "m"], "either --onnx FILE, --mini-rgbd DIR"),
        (["--mini-rgbd", "m"], "needs a DATASET"),
        (["nowhere", "--mini-rgbd", "m"], "nowhere is no dataset of syrip generate"),
    ],
)
def test_wrong_words_exit_2(words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli.main, ["export", *words])
    assert done.exit_code == 2, done.output
    assert message in done.output
    assert not list(tmp_path.iterdir())
