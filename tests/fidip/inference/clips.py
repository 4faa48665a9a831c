"""Small videos for the tests."""

from pathlib import Path

import numpy as np

from tests.fidip.inference.dot_network import SUPINE, dot_picture

SIZE = (176, 192)


def moving_pose(frame, amplitude=12.0):
    """Return (17, 2) px of the infant of :func:`dot_clip` in a frame."""
    return SUPINE + np.array([38 + amplitude * np.sin(frame / 5), 30 + amplitude / 2 * np.cos(frame / 7)])


def write_clip(path: Path, images, fps=30, rotation=0):
    """Write an H.264 file; ``rotation`` is what a phone held that way writes into it (degrees)."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"crf": "10", "preset": "ultrafast"})
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuv444p"
        if rotation:
            stream.set_display_rotation(rotation)
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return path


def dot_clip(path: Path, frames=24, **settings):
    return write_clip(path, [dot_picture(moving_pose(i), SIZE, radius=3) for i in range(frames)], **settings)


def read_clip(path: Path):
    """Decode a file again, independent of the package's reader."""
    import av

    with av.open(str(path)) as container:
        return [(float(f.time), f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]
