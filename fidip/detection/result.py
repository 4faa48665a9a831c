"""DetectResult: what a detection run came to."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fidip.detection.state import DetectState

__all__ = ["DetectResult", "result_of"]


@dataclass(frozen=True, slots=True)
class DetectResult:
    """What a run came to."""

    output: Path
    epochs: int
    best_epoch: int
    best_iou: float
    """Mean IoU on the validation pictures, 0..1."""
    best_ap: float
    """COCO's AP of boxes in the same epoch."""
    initial_iou: float
    images_per_s: float
    seconds: float
    was_finished: bool = False
    failures: tuple[str, ...] = ()
    """What of the data is missing or could not be read, one line each."""

    def figures(self) -> dict[str, Any]:
        """Return the figures as flat JSON."""
        names = ("epochs", "best_epoch", "best_iou", "best_ap", "initial_iou", "images_per_s", "seconds")
        return {**{name: getattr(self, name) for name in names}, "output": str(self.output)}

    def summary(self) -> str:
        """Return the closing lines of the command."""
        epochs = f"{self.epochs} epoch{'' if self.epochs == 1 else 's'}"
        minutes, seconds = divmod(round(self.seconds), 60)
        first = f"{epochs} in {minutes} min {seconds:02d} s, {self.images_per_s:.1f} images/s"
        if self.was_finished:
            first = f"{self.output} is already finished ({epochs}); --epochs N trains longer"
        lines = [
            first,
            f"  validation box IoU  {self.initial_iou:.3f} before, {self.best_iou:.3f} in epoch "
            f"{self.best_epoch} (AP {self.best_ap:.3f})",
            f"  detector            {self.output / 'best.safetensors'}",
            f"  first batches       {self.output / 'samples'}",
            f"Next: syrip predict PICTURES --detector {self.output} --overlay",
        ]
        return "\n".join(lines)


def result_of(
    state: DetectState,
    output: Path,
    rate: float,
    began: float,
    *,
    was_finished: bool = False,
    failures: tuple[str, ...] = (),
) -> DetectResult:
    """Return what a run has come to.

    Args:
        state: Of the run.
        output: Its folder.
        rate: Pictures a second.
        began: ``time.monotonic()`` at its beginning.
        was_finished: There was nothing left to do.
        failures: What of the data could not be used.
    """
    return DetectResult(
        output=output,
        epochs=state.epoch,
        best_epoch=state.best_epoch,
        best_iou=state.best_iou,
        best_ap=state.best_ap,
        initial_iou=state.initial_iou,
        images_per_s=rate,
        seconds=time.monotonic() - began,
        was_finished=was_finished,
        failures=failures,
    )
