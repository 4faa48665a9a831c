import numpy as np
import pytest

from fidip.inference import video_reader
from fidip.inference.video_reader import open_camera, open_video
from fidip.inference.video_writer import VideoWriter
from tests.fidip.inference.clips import dot_clip, read_clip, write_clip

pytest.importorskip("av", reason="the clips are made with PyAV (extra 'video')")
BACKENDS = ["av", "opencv"]


def corner_picture(shade=0):
    """A landscape picture whose upper left corner is red."""
    image = np.full((64, 96, 3), 20 + shade, np.uint8)
    image[:20, :20] = (255, 0, 0)
    return image


def red_corner(image):
    """Return (is it at the bottom, is it at the right)."""
    y, x = np.argwhere((image[..., 0] > 150) & (image[..., 1] < 90)).mean(0)
    return y > image.shape[0] / 2, x > image.shape[1] / 2


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "rotation, shape, corner",
    [
        (0, (64, 96), (False, False)),
        (90, (96, 64), (True, False)),
        (-90, (96, 64), (False, True)),
        (180, (64, 96), (True, True)),
    ],
)
def test_phone_videos_are_turned_upright(backend, rotation, shape, corner, tmp_path):
    path = write_clip(tmp_path / "phone.mp4", [corner_picture(i) for i in range(5)], rotation=rotation)
    frames = list(open_video(path, backend))
    assert len(frames) == 5
    assert frames[0].image.shape[:2] == shape
    assert red_corner(frames[0].image) == corner
    np.testing.assert_allclose([f.time_s for f in frames], np.arange(5) / 30, atol=1e-4)


@pytest.mark.parametrize("backend", BACKENDS)
def test_frames_come_one_by_one(backend, tmp_path):
    reader = open_video(dot_clip(tmp_path / "a.mp4", frames=12, fps=25), backend)
    assert (reader.fps, reader.num_frames) == (25, 12)
    assert next(iter(reader)).index == 0
    reader.close()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "content", [b"", b"hello, this is text\n" * 50, b"\x00\x00\x00\x20ftypisom" + bytes(300)]
)
def test_files_that_are_no_videos_are_refused(backend, content, tmp_path):
    path = tmp_path / "text.mp4"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"text\.mp4 (is empty|does not open as a video|has no picture)"):
        open_video(path, backend)


def test_missing_video(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"a\.mp4"):
        open_video(tmp_path / "a.mp4")


def test_sound_alone_is_no_video(tmp_path):
    import av

    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
        container.mux(stream.encode())
    with pytest.raises(ValueError, match="no picture stream"):
        open_video(path, "av")


def with_index_in_front(path):
    """Move the index of an MP4 to its front: it then opens even when it is cut off."""
    import av

    front = path.with_name(f"front_{path.name}")
    with av.open(str(path)) as source, av.open(str(front), "w", options={"movflags": "+faststart"}) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    return front


@pytest.mark.parametrize("backend", BACKENDS)
def test_video_that_is_cut_off_gives_its_frames_and_says_so(backend, tmp_path):
    rng = np.random.default_rng(0)
    noisy = [rng.integers(0, 255, (64, 96, 3), np.uint8) for _ in range(30)]
    whole = with_index_in_front(write_clip(tmp_path / "a.mp4", noisy))
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    reader = open_video(cut, backend)
    count = len(list(reader))
    assert 5 < count < 25
    assert "cut.mp4 is cut off" in reader.problem
    complete = open_video(whole, backend)
    assert len(list(complete)) == 30
    assert complete.problem == ""


@pytest.mark.parametrize("backend", BACKENDS)
def test_video_whose_frames_are_gone_says_so(backend, tmp_path):
    path = with_index_in_front(dot_clip(tmp_path / "a.mp4", frames=5))
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat") + 4
    path.write_bytes(bytes(data[:start]))
    reader = open_video(path, backend)
    assert list(reader) == []
    assert "no frame" in reader.problem


@pytest.mark.parametrize("backend", BACKENDS)
def test_huge_frames_are_refused(backend, tmp_path, monkeypatch):
    monkeypatch.setattr(video_reader, "MAX_FRAME_PIXELS", 1000)
    with pytest.raises(ValueError, match=r"a\.mp4 has frames of 176x192 px"):
        open_video(dot_clip(tmp_path / "a.mp4", frames=2), backend)


def test_camera_that_is_not_there():
    with pytest.raises(ValueError, match="camera 97 is not there or is in use"):
        open_camera(97)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("size", [(64, 96), (63, 95)])
def test_written_video_plays(backend, size, tmp_path):
    writer = VideoWriter(tmp_path / "new" / "out.mp4", 25.0, backend)
    images = []
    for i in range(15):
        image = np.full((*size, 3), 40, np.uint8)
        image[10:30, 2 * i : 2 * i + 20] = (230, 30, 30)
        images.append(image)
        writer.write(image, i / 25)
        assert not writer.path.exists(), "the name appears when the file is complete"
    writer.close()
    frames = read_clip(tmp_path / "new" / "out.mp4")
    assert len(frames) == 15
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["out.mp4"]
    for i, (time_s, frame) in enumerate(frames):
        assert time_s == pytest.approx(i / 25, abs=1e-3)
        assert frame.shape == (size[0] + size[0] % 2, size[1] + size[1] % 2, 3)
        assert np.abs(frame[: size[0], : size[1]].astype(int) - images[i]).mean() < 6


def test_uneven_time_stamps_are_kept(tmp_path):
    times = [0.0, 0.1, 0.11, 0.5, 0.5, 2.0]
    writer = VideoWriter(tmp_path / "camera.mp4", 30.0, "av")
    for time_s in times:
        writer.write(np.zeros((32, 32, 3), np.uint8), time_s)
    writer.close()
    np.testing.assert_allclose([t for t, _ in read_clip(tmp_path / "camera.mp4")], times, atol=1e-3)


def test_nothing_is_left_of_a_video_without_frames(tmp_path):
    VideoWriter(tmp_path / "none.mp4", 30.0).close()
    assert list(tmp_path.iterdir()) == []


def test_folder_that_cannot_be_written_is_an_oserror(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        VideoWriter(tmp_path / "file" / "out.mp4", 30.0).write(np.zeros((32, 32, 3), np.uint8), 0.0)
