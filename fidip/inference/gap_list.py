"""Pictures and frames that got no pose, by the file they are of."""

from fidip.inference.picture_name import PictureName

__all__ = ["GapList"]


class GapList:
    """Collects gaps as they come; runs of frames take the memory of one."""

    def __init__(self) -> None:
        self._runs: dict[str, list[list[int]]] = {}

    def add(self, picture: PictureName) -> None:
        """Take a photo, or the next frame of a video, that has a gap."""
        runs = self._runs.setdefault(picture.file_name, [])
        frame = picture.frame
        if frame is None or (runs and runs[-1][1] == frame):  # another person in it
            return
        if runs and runs[-1][1] == frame - 1:
            runs[-1][1] = frame
        else:
            runs.append([frame, frame])

    def as_dict(self) -> dict[str, str]:
        """Return the frames of each file from 0, such as ``0-11, 40``; ``photo`` where it is one."""
        return {
            name: ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs) if runs else "photo"
            for name, runs in self._runs.items()
        }
