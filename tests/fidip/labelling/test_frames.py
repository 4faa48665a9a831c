import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fidip.labelling import frames as frames_module
from fidip.labelling.frame_choice import FrameChoice, most_different, thumbnail
from fidip.labelling.frames import split_video
from fidip.labelling.media import Video
from fidip.progress import SilentProgress
from tests.fidip.inference.clips import write_clip

EVERY_2 = FrameChoice("every", 2)


def shades(*values, size=(64, 48)):
    """Frames of one brightness each."""
    return [np.full((size[1], size[0], 3), value, np.uint8) for value in values]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return Video(write_clip(path, shades(*range(20, 240, 20)), fps=10), "day 1/clip.mp4")


def split(video, choice, folder, **more):
    return split_video(video, choice, folder, SilentProgress(), **more)


def test_every_kth_frame_becomes_a_jpeg(clip, tmp_path):
    found = split(clip, FrameChoice.parse("every=4"), tmp_path)
    assert [p.path.relative_to(tmp_path).as_posix() for p in found.pictures] == [
        "day 1/clip/frame000000.jpg",
        "day 1/clip/frame000004.jpg",
        "day 1/clip/frame000008.jpg",
    ]
    assert [p.frame.index for p in found.pictures] == [0, 4, 8]
    assert [p.frame.time_s for p in found.pictures] == pytest.approx([0, 0.4, 0.8])
    assert {p.frame.video for p in found.pictures} == {"day 1/clip.mp4"}
    assert found.problem == ""
    for picture, shade in zip(found.pictures, (20, 100, 180), strict=True):
        with Image.open(picture.path) as image:
            assert image.format == "JPEG"
            assert image.size == picture.size == (64, 48)
            assert np.asarray(image).mean() == pytest.approx(shade, abs=3)
    assert not list(tmp_path.rglob("*.part"))


def test_a_second_run_finds_the_frames_and_reads_no_video(clip, tmp_path, monkeypatch):
    first = split(clip, EVERY_2, tmp_path)
    before = {p.path: p.path.stat().st_mtime_ns for p in first.pictures}
    monkeypatch.setattr(frames_module, "open_video", lambda path: pytest.fail("the video was read again"))
    second = split(clip, EVERY_2, tmp_path)
    assert second == first
    assert {p.path: p.path.stat().st_mtime_ns for p in second.pictures} == before


def test_a_lost_frame_is_written_again(clip, tmp_path):
    first = split(clip, EVERY_2, tmp_path)
    content = first.pictures[1].path.read_bytes()
    first.pictures[1].path.unlink()
    assert split(clip, EVERY_2, tmp_path) == first
    assert first.pictures[1].path.read_bytes() == content


def test_another_rule_adds_frames_of_the_same_names(clip, tmp_path):
    split(clip, FrameChoice("every", 4), tmp_path)
    split(clip, EVERY_2, tmp_path)
    assert sorted(p.name for p in tmp_path.rglob("*.jpg")) == [f"frame{i:06d}.jpg" for i in range(0, 11, 2)]
    record = json.loads((tmp_path / "day 1/clip/frames.json").read_text())
    assert list(record["choices"]) == ["every=4", "every=2"]


def test_another_video_of_the_same_name_is_refused(clip, tmp_path):
    split(clip, EVERY_2, tmp_path)
    other = Video(write_clip(tmp_path / "other.mp4", shades(10, 20)), clip.name)
    with pytest.raises(ValueError, match="holds frames of another video of this name; rename the video"):
        split(other, EVERY_2, tmp_path)


@pytest.mark.parametrize("place", [100, -100])
def test_another_video_of_the_same_length_is_refused(clip, tmp_path, place):
    split(clip, EVERY_2, tmp_path)
    content = bytearray(clip.path.read_bytes())
    content[place] ^= 1
    (tmp_path / "other.mp4").write_bytes(content)
    with pytest.raises(ValueError, match="holds frames of another video of this name"):
        split(Video(tmp_path / "other.mp4", clip.name), EVERY_2, tmp_path)


def test_the_most_different_frames_are_chosen(tmp_path):
    path = write_clip(tmp_path / "still.mp4", shades(*[60] * 8, 200, *[60] * 4, 130, 60))
    found = split(Video(path, "still.mp4"), FrameChoice.parse("most=3"), tmp_path / "f")
    assert [p.frame.index for p in found.pictures] == [0, 8, 13] or [p.frame.index for p in found.pictures][
        1:
    ] == [8, 13]
    assert len(found.pictures) == 3


def test_a_video_that_ends_early_gives_the_frames_until_there(tmp_path):
    path = write_clip(tmp_path / "cut.mp4", [np.random.default_rng(i).integers(0, 255, (96, 96, 3), np.uint8)
                                             for i in range(30)])  # fmt: skip
    import av

    with av.open(str(path)) as source, av.open(str(tmp_path / "long.mkv"), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    whole = (tmp_path / "long.mkv").read_bytes()
    (tmp_path / "short.mkv").write_bytes(whole[: len(whole) // 2])
    found = split(Video(tmp_path / "short.mkv", "short.mkv"), EVERY_2, tmp_path / "f")
    assert 3 <= len(found.pictures) < 15
    again = split(Video(tmp_path / "short.mkv", "short.mkv"), EVERY_2, tmp_path / "f")
    assert again == found


def test_a_file_without_frames_is_refused_in_one_line(tmp_path):
    (tmp_path / "bad.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(100))
    with pytest.raises(ValueError, match=r"bad\.mp4") as raised:
        split(Video(tmp_path / "bad.mp4", "bad.mp4"), EVERY_2, tmp_path / "f")
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "f").exists()


def test_stopping_leaves_no_record_and_the_next_run_begins_anew(clip, tmp_path):
    asked = itertools.count()
    assert split(clip, EVERY_2, tmp_path, should_stop=lambda: next(asked) > 4) is None
    assert not list(tmp_path.rglob("frames.json"))
    assert len(split(clip, EVERY_2, tmp_path).pictures) == 6


def test_a_full_disk_is_said_in_one_line(clip, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(frames_module.os, "replace", full)
    with pytest.raises(OSError, match=r"cannot write the frame .*No space left on device"):
        split(clip, EVERY_2, tmp_path)
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("text", ["every=3", "most=1", "every=999999999"])
def test_rules_are_read_and_written(text):
    assert str(FrameChoice.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "every=0", "every=-1", "all", "most=", "every=٣", "every=1000000000", "5"]
)
def test_other_rules_are_refused(text):
    with pytest.raises(ValueError, match="expected every=K or most=N"):
        FrameChoice.parse(text)


def test_farthest_points_cover_as_gonzalez_promises():
    """The gap that is left is at most twice the best possible (all subsets tried)."""
    points = np.random.default_rng(3).integers(0, 255, (12, 4), np.uint8)
    distances = np.linalg.norm(points[:, None].astype(float) - points[None], axis=-1)

    def left(chosen):
        return distances[:, list(chosen)].min(1).max()

    for count in (1, 2, 3, 4):
        best = min(left(subset) for subset in itertools.combinations(range(12), count))
        chosen = most_different(points, count)
        assert len(chosen) == count
        assert list(chosen) == sorted(chosen)
        assert left(chosen) <= 2 * best + 1e-9


def test_equal_frames_are_chosen_once():
    points = np.repeat(np.array([[0], [9], [200]], np.uint8), [5, 5, 1], axis=0)
    assert most_different(points, 10).tolist() == [0, 5, 10]
    assert most_different(np.zeros((0, 3), np.uint8), 3).tolist() == []


def test_thumbnails_are_means_of_parts():
    image = np.zeros((160, 320, 3), np.uint8)
    image[:80, :160] = 255
    small = thumbnail(image).reshape(16, 16)
    assert small[:8, :8].min() == 255
    assert small[8:].max() == small[:, 8:].max() == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda record, choice: record.update(version=0),
        lambda record, choice: record.pop("video"),
        lambda record, choice: choice.pop("problem"),
        lambda record, choice: choice["frames"][0].pop("time_s"),
        lambda record, choice: choice["frames"][0].update(size=[1, "2"]),
        lambda record, choice: choice["frames"][0].update(index=True),
        lambda record, choice: choice["frames"].append(7),
    ],
)
def test_a_damaged_record_is_made_anew(clip, tmp_path, change):
    found = split(clip, EVERY_2, tmp_path)
    path = found.pictures[0].path.parent / "frames.json"
    good = path.read_bytes()
    record = json.loads(good)
    change(record, record["choices"]["every=2"])
    path.write_text(json.dumps(record))
    assert split(clip, EVERY_2, tmp_path) == found
    assert path.read_bytes() == good


def test_records_of_an_attacker_lead_nowhere(clip, tmp_path):
    found = split(clip, EVERY_2, tmp_path)
    path = Path(found.pictures[0].path.parent / "frames.json")
    record = json.loads(path.read_text())
    record["choices"]["every=2"]["frames"][0]["file"] = "../../secret.jpg"
    path.write_text(json.dumps(record))
    assert split(clip, EVERY_2, tmp_path) == found
