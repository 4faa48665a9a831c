"""What ``syrip label`` says at the end."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fidip.labelling.records import Counts

__all__ = ["LabelResult"]

MAX_TOLD = 10


@dataclass(slots=True)
class LabelResult:
    """What was done before the page opens, or what there is to review."""

    output: Path
    project: Path
    model: str | None = None
    """Name of the network, if one was needed."""
    num_new: int = 0
    """Pictures that were added."""
    num_predicted: int = 0
    num_imported: int = 0
    num_doubtful: int = 0
    """Of the predicted."""
    num_nobody: int = 0
    """Predicted pictures in which nobody was found."""
    predict_seconds: float = 0.0
    seconds: float = 0.0
    was_interrupted: bool = False
    is_review: bool = False
    """Of generated images or fits, which nothing is added to."""
    failures: dict[str, str] = field(default_factory=dict)
    """Reason by picture or video."""
    notes: list[str] = field(default_factory=list)
    counts: Counts = field(default_factory=lambda: Counts(0, 0, 0, 0, 0, 0, 0))

    def figures(self) -> dict[str, Any]:
        """Return the figures of :meth:`summary`, flat."""
        rate = self.num_predicted / self.predict_seconds if self.predict_seconds else None
        return {
            "output": str(self.output),
            "project": str(self.project),
            "model": self.model,
            "num_pictures": self.counts.total,
            "num_new": self.num_new,
            "num_imported": self.num_imported,
            "num_predicted": self.num_predicted,
            "num_predicted_doubtful": self.num_doubtful,
            "num_nobody": self.num_nobody,
            "num_reviewed": self.counts.reviewed,
            "num_unreviewed": self.counts.unreviewed,
            "num_rejected": self.counts.rejected,
            "num_doubtful": self.counts.doubtful,
            "num_unreadable": self.counts.unreadable,
            "num_failures": len(self.failures),
            "seconds": round(self.seconds, 3),
            "pictures_per_second": rate and round(rate, 3),
            "was_interrupted": self.was_interrupted,
        }

    def summary(self) -> str:
        """Return what the command says."""
        counts = self.counts
        done = f"{counts.rejected} rejected, {counts.unreviewed} to review"
        if self.is_review:
            lines = [f"{_counted(counts.total, 'image')}: {counts.reviewed} accepted, {done}"]
        else:
            pictures = _counted(counts.total, "picture")
            lines = [f"{pictures}, {self.num_new} new: {counts.reviewed} reviewed, {done}"]
        if self.num_predicted:
            rate = self.num_predicted / max(self.predict_seconds, 1e-9)
            nobody = f", nobody found in {self.num_nobody}" if self.num_nobody else ""
            lines.append(
                f"  {self.num_predicted} labelled by {self.model} ({rate:.2f} pictures/s), "
                f"{self.num_doubtful} of them doubtful{nobody}"
            )
        if self.num_imported:
            lines.append(f"  {self.num_imported} with imported labels")
        lines += [f"  note: {note}" for note in self.notes]
        if self.failures:
            lines.append(f"  {len(self.failures)} could not be used, or not wholly:")
            lines += [f"    {reason}" for reason in list(self.failures.values())[:MAX_TOLD]]
            if len(self.failures) > MAX_TOLD:
                lines.append(f"    ... and {len(self.failures) - MAX_TOLD} more; the page lists them")
        if self.was_interrupted:
            lines.append("  Interrupted: what was labelled is kept; the same command goes on.")
        lines += [f"  labels    {self.output}", f"  project   {self.project}"]
        return "\n".join(map(_printable, lines))


def _printable(line: str) -> str:
    """Escape what a terminal would obey or cannot show: names of files hold anything."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in line)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
