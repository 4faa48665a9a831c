"""What ``syrip train`` says at its end."""

from typing import Any

from fidip.trainer import TrainResult

__all__ = ["train_figures", "train_summary"]


def train_figures(result: TrainResult) -> dict[str, Any]:
    """Return the figures of a run as flat JSON."""
    return {
        "epochs": result.epochs,
        "initial_ap": result.initial_ap,
        "best_ap": result.best_ap,
        "best_epoch": result.best_epoch,
        "domain_accuracy": result.domain_accuracy,
        "images_per_s": result.images_per_s,
        "seconds": result.seconds,
        "output": str(result.output),
    }


def train_summary(result: TrainResult) -> str:
    """Return the closing lines of a run."""
    lines = [
        _first_line(result),
        f"  validation AP  {result.initial_ap:.3f} before, {result.best_ap:.3f} in epoch {result.best_epoch}",
    ]
    if result.domain_accuracy is not None:
        lines.append(f"  domain classifier's accuracy in the last epoch  {result.domain_accuracy:.1%}")
    if result.was_stopped_early:
        lines.append("  stopped early: the last epochs did not improve (training.patience)")
    if result.best_ap < result.initial_ap:
        lines.append("  WARNING: no epoch is better than the network that training began from")
    lines += [
        f"  weights        {result.output / 'best.safetensors'}",
        f"  figures        {result.output / 'metrics.jsonl'}",
        f"  first batches  {result.output / 'samples'}",
        f"Next: syrip eval {result.output} --gt ANN.json --images DIR",
    ]
    return "\n".join(lines)


def _first_line(result: TrainResult) -> str:
    epochs = f"{result.epochs} epoch{'' if result.epochs == 1 else 's'}"
    if result.was_finished:
        longer = max(1, 2 * result.epochs)
        return f"{result.output} is already finished ({epochs}); --resume --epochs {longer} trains longer"
    minutes, seconds = divmod(round(result.seconds), 60)
    speed = f", {result.images_per_s:.1f} images/s" if result.images_per_s else ""
    return f"{epochs} in {minutes} min {seconds:02d} s{speed}"
