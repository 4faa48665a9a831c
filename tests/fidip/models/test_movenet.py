"""The torch MoveNet is the published one: same keypoints as its ONNX file, same weights."""

import hashlib
import json

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from fidip.data.crops import crop_matrix, crop_region, warp_crop
from fidip.decoding import decode_heatmaps
from fidip.models.catalog import build_network
from fidip.models.convert_movenet import convert_movenet, exact_half
from fidip.models.movenet import MoveNetHeads
from fidip.models.movenet_decoding import decode_movenet
from fidip.models.weights import default_weights, open_network

EVERY = 16
"""Every sixteenth of the 415 people, for speed; over all of them the largest difference is 0.0001 px."""


@pytest.fixture(scope="module")
def movenet():
    return open_network(None)


def normalised(network, crops):
    """(N, 256, 256, 3) uint8 RGB to what the network reads."""
    images = torch.from_numpy(np.ascontiguousarray(crops)).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(values)[:, None, None] for values in (network.spec.mean, network.spec.std))
    return (images - mean) / std


@pytest.fixture(scope="module")
def people(shared_data):
    """Crops (N, 256, 256, 3) around some of the COCO people."""
    data = json.loads((shared_data / "adult_2d/coco_101_images.json").read_text())
    names = {image["id"]: image["file_name"] for image in data["images"]}
    crops = []
    for person in [item for item in data["annotations"] if not item["iscrowd"]][::EVERY]:
        image = cv2.imread(str(shared_data / "adult_2d/images" / names[person["image_id"]]))
        center, size = crop_region(person["bbox"], 1.0)
        crops.append(warp_crop(image[..., ::-1].copy(), crop_matrix(center, size, 0, (256, 256)), (256, 256)))
    return np.stack(crops)


@pytest.fixture(scope="module")
def published(shared_data, people):
    """Points (N, 17, 2) in px of the crop and scores (N, 17) of the ONNX file."""
    onnxruntime = pytest.importorskip("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(shared_data / "models/movenet-thunder.onnx"), options)
    name = session.get_inputs()[0].name
    found = np.concatenate([session.run(None, {name: crop[None].astype(np.int32)})[0] for crop in people])[
        :, 0
    ]
    return found[..., 1::-1] * 256, found[..., 2]


@pytest.fixture(scope="module")
def heads(movenet, people):
    """All heads of the torch module for those crops."""
    with torch.inference_mode():
        parts = [movenet.forward_heads(normalised(movenet, crop[None])) for crop in people]
    return MoveNetHeads(*(torch.cat(values) for values in zip(*parts, strict=True)))


def test_keypoints_are_the_onnx_files(heads, published):
    points, scores = decode_movenet(heads)
    assert len(points) == 26
    assert np.abs(points.numpy() - published[0]).max() < 0.01
    assert np.abs(scores.numpy() - published[1]).max() < 1e-4


def test_heatmap_cells_are_where_the_spec_says(movenet, heads, published):
    """Peaks of the bare heatmaps lie around MoveNet's own refined points without a bias."""
    points, _ = decode_heatmaps(heads.keypoint_logits, movenet.spec, "dark")
    away = np.asarray(points) - published[0]
    sure = (published[1] > 0.5) & (np.abs(away).max(-1) < 8)
    assert sure.sum() > 50
    assert np.abs(np.median(away[sure], axis=0)).max() < 0.5


def test_conversion_gives_the_shipped_file(shared_data, tmp_path):
    pytest.importorskip("onnx")
    assert (
        convert_movenet(shared_data / "models/movenet-thunder.onnx", tmp_path / "w/movenet.safetensors")
        == 141
    )
    written = (tmp_path / "w/movenet.safetensors").read_bytes()
    assert (
        hashlib.sha256(written).digest()
        == hashlib.sha256(default_weights("movenet_thunder").read_bytes()).digest()
    )


def test_conversion_refuses_another_graph(tmp_path):
    onnx = pytest.importorskip("onnx")
    node = onnx.helper.make_node("Relu", ["x"], ["y"])
    info = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in "xy"]
    onnx.save(
        onnx.helper.make_model(onnx.helper.make_graph([node], "g", info[:1], info[1:])), tmp_path / "g.onnx"
    )
    with pytest.raises(ValueError, match=r"g\.onnx has no convolution .*Conv1_relu.*; is it MoveNet Thunder"):
        convert_movenet(tmp_path / "g.onnx", tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()


def test_conversion_never_rounds(tmp_path):
    with pytest.raises(ValueError, match="half precision cannot"):
        exact_half(np.array([1.0, 1.0 + 2**-12], np.float32), "w", (2,), tmp_path / "file")
    with pytest.raises(ValueError, match=r"should be \(3,\), but is \(2,\)"):
        exact_half(np.ones(2, np.float32), "w", (3,), tmp_path / "file")


def test_shipped_weights_fill_the_network_unchanged(movenet):
    shipped = load_file(default_weights("movenet_thunder"))
    assert len(shipped) == 141
    state = movenet.state_dict()
    assert shipped.keys() == state.keys()
    assert all(torch.equal(shipped[name].float(), state[name]) for name in shipped)
    assert not movenet.training


def test_heads_agree_with_forward(movenet):
    torch.manual_seed(0)
    image = torch.rand(1, 3, 128, 192) * 2 - 1
    with torch.inference_mode():
        heads, output = movenet.forward_heads(image), movenet(image)
    torch.testing.assert_close(heads.keypoint_logits, output.heatmaps)
    torch.testing.assert_close(heads.features, output.features)
    assert heads.center_logits.shape == (1, 1, 32, 48)
    assert heads.regression.shape == heads.offsets.shape == (1, 17, 2, 32, 48)


def test_heads_of_its_own_decoding_do_not_train():
    network = build_network("movenet_thunder")
    still = {name.split(".")[0] for name, value in network.named_parameters() if not value.requires_grad}
    assert still == {"center", "regression", "offset"}


def drawn_heads():
    """One crop of 16 x 16 cells: a person at the middle, a surer one at the edge, two keypoints."""
    heads = MoveNetHeads(
        features=torch.zeros(1, 24, 16, 16),
        keypoint_logits=torch.full((1, 2, 16, 16), -10.0),
        center_logits=torch.full((1, 1, 16, 16), -10.0),
        regression=torch.zeros(1, 2, 2, 16, 16),
        offsets=torch.zeros(1, 2, 2, 16, 16),
    )
    heads.center_logits[0, 0, 8, 7] = 1.0
    heads.center_logits[0, 0, 1, 15] = 3.0
    heads.regression[0, 0, :, 8, 7] = torch.tensor([-4.0, 2.0])  # expects keypoint 0 at row 4, column 9
    heads.keypoint_logits[0, 0, 4, 8] = 0.0
    heads.keypoint_logits[0, 0, 1, 15] = 3.0  # surer, but the other person's
    heads.offsets[0, 0, :, 4, 8] = torch.tensor([0.25, 0.5])
    heads.keypoint_logits[0, 1, 8, 6] = 2.0
    return heads


def test_decoding_by_hand():
    points, scores = decode_movenet(drawn_heads())
    torch.testing.assert_close(points, torch.tensor([[[4 * 8.5, 4 * 4.25], [4 * 6.0, 4 * 8.0]]]))
    torch.testing.assert_close(scores, torch.tensor([[0.5, torch.sigmoid(torch.tensor(2.0)).item()]]))


def test_decoding_reads_every_crop_of_a_batch_on_its_own():
    one = drawn_heads()
    two = MoveNetHeads(*(torch.cat([value, value.flip(-1)]) for value in one))
    points, _ = decode_movenet(two)
    torch.testing.assert_close(points[:1], decode_movenet(one)[0])
    torch.testing.assert_close(points[1:], decode_movenet(MoveNetHeads(*(v.flip(-1) for v in one)))[0])
    assert not torch.allclose(points[0], points[1])


LIMBS = (
    *((128, 90, 128, 160, 22), (128, 95, 88, 130, 9), (128, 95, 168, 130, 9), (88, 130, 70, 172, 8)),
    *((168, 130, 186, 172, 8), (118, 160, 105, 205, 11), (138, 160, 151, 205, 11), (105, 205, 100, 245, 9)),
    *((151, 205, 156, 245, 9), (128, 58, 128, 62, 24)),
)
"""x, y of both ends and half the width, px."""


def picture():
    """Draw a figure (256, 256, 3) of limbs on a shaded ground, with numpy alone."""
    y, x = np.mgrid[:256, :256] + 0.5
    image = np.stack([90 + 0.2 * y, 110 + 0.1 * x, 140 - 0.1 * y], axis=-1)
    for number, (x0, y0, x1, y1, radius) in enumerate(LIMBS):
        along = np.clip(
            ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / ((x1 - x0) ** 2 + (y1 - y0) ** 2), 0, 1
        )
        inside = np.hypot(x - x0 - along * (x1 - x0), y - y0 - along * (y1 - y0)) < radius
        image[inside] = (70, 90, 170) if number == 0 else (215, 170, 145)
    for eye in (119, 137):
        image[np.hypot(x - eye, y - 56) < 4] = (40, 30, 30)
    return image.round().astype(np.uint8)


DRAWN = (
    (132.536, 75.513, 0.2023),
    (132.964, 70.794, 0.3819),
    (128.647, 70.546, 0.3607),
    (136.656, 68.117, 0.2761),
    (126.159, 67.532, 0.2786),
    (138.155, 79.415, 0.2800),
    (118.056, 75.789, 0.1927),
    (126.936, 97.163, 0.1533),
    (112.900, 95.820, 0.0871),
    (129.856, 101.002, 0.1671),
    (124.410, 97.537, 0.2555),
    (135.548, 124.899, 0.1828),
    (128.571, 124.061, 0.1763),
    (139.918, 152.779, 0.0911),
    (87.286, 127.797, 0.3825),
    (152.773, 182.857, 0.0141),
    (75.946, 157.929, 0.1519),
)


def test_keypoints_of_a_drawn_figure(movenet):
    """What ONNX Runtime 1.31.1 gave for the published file: x px, y px, score."""
    with torch.inference_mode():
        points, scores = decode_movenet(movenet.forward_heads(normalised(movenet, picture()[None])))
    np.testing.assert_allclose(points[0], np.array(DRAWN)[:, :2], atol=0.01)
    np.testing.assert_allclose(scores[0], np.array(DRAWN)[:, 2], atol=1e-3)
