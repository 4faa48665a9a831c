"""PredictResult: what ``syrip predict`` did, and what it says at its end."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fidip.inference.photo_run import counted
from fidip.inference.result_files import CSV_FILE, RESULTS_FILE
from fidip.inference.result_files_3d import ARRAYS_3D_FILE, CSV_3D_FILE
from fidip.inference.run_file import RUN_FILE

__all__ = ["MAX_TOLD", "PredictResult"]

MAX_TOLD = 10


@dataclass(slots=True)
class PredictResult:
    """What was done."""

    output: Path
    network: str
    device: str
    num_photos: int = 0
    num_videos: int = 0
    num_frames: int = 0
    num_persons: int = 0
    num_gaps: int = 0
    """Photos and frames in which the detector found nobody."""
    num_not_lifted: int = 0
    """Poses with too few keypoints to be lifted."""
    score_sum: float = 0.0
    seconds: float = 0.0
    was_interrupted: bool = False
    overlays: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    """Reason by input; some of its results may have been kept."""
    notes: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """Return the figures of :meth:`summary`, flat."""
        pictures = self.num_photos + self.num_frames
        return {
            "output": str(self.output),
            "network": self.network,
            "device": self.device,
            "num_photos": self.num_photos,
            "num_videos": self.num_videos,
            "num_frames": self.num_frames,
            "num_persons": self.num_persons,
            "num_gaps": self.num_gaps,
            "num_not_lifted": self.num_not_lifted,
            "num_overlays": len(self.overlays),
            "num_failures": len(self.failures),
            "mean_score": round(self.score_sum / self.num_persons, 4) if self.num_persons else None,
            "seconds": round(self.seconds, 3),
            "pictures_per_second": round(pictures / self.seconds, 2) if self.seconds else None,
            "was_interrupted": self.was_interrupted,
        }

    def summary(self) -> str:
        """Return what the command says at the end."""
        figures = self.figures()
        lines = [
            f"{counted(self.num_photos, 'photo')}, {counted(self.num_frames, 'frame')} of "
            f"{counted(self.num_videos, 'video')}: {counted(self.num_persons, 'pose')} with {self.network} "
            f"on {self.device}, "
            f"{figures['pictures_per_second'] or 0:.1f} pictures/s",
            *(f"  note: {note}" for note in self.notes),
            *([f"  nobody found in {self.num_gaps} of them: no pose there"] if self.num_gaps else []),
        ]
        if self.num_not_lifted:
            lines.append(f"  too few keypoints for 3D in {self.num_not_lifted} of the poses: gaps there")
        if figures["mean_score"] is not None:
            lines.append(f"  mean score {figures['mean_score']:.2f}")
        if self.failures:
            lines.append(f"  {counted(len(self.failures), 'input')} failed:")
            lines += [f"    {reason}" for reason in list(self.failures.values())[:MAX_TOLD]]
            if len(self.failures) > MAX_TOLD:
                lines.append(f"    ... all of them in {self.output / RUN_FILE}")
        if self.was_interrupted:
            lines.append("  Interrupted: everything up to there is kept.")
        lines += [f"  results   {self.output / RESULTS_FILE}", f"  table     {self.output / CSV_FILE}"]
        if (self.output / ARRAYS_3D_FILE).is_file():
            lines.append(f"  3D        {self.output / ARRAYS_3D_FILE}, {CSV_3D_FILE}")
        if self.overlays:
            lines.append(f"  overlays  {self.output / 'overlays'}")
        return "\n".join(lines)
