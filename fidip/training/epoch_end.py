"""The end of an epoch: validate, compare with the best so far, log, save."""

from collections.abc import Callable

from torch import Tensor
from torch.utils.data import DataLoader

from fidip.checkpoint import save_checkpoint, save_weights
from fidip.data.dataset import CropBatch
from fidip.models.published import spec_metadata
from fidip.progress import Progress
from fidip.training.logs import Metrics
from fidip.training.optimizers import averaged_weights
from fidip.training.preparation import RunData
from fidip.training.run_folder import RunFolder
from fidip.training.state import State, checkpoint_of
from fidip.training.steps import pose_loss_of
from fidip.training.validation import ValidationResult, coco_ground_truth, validate

__all__ = ["finish_epoch", "save_state", "validation_of"]


def validation_of(
    state: State, data: RunData, loader: DataLoader, progress: Progress
) -> Callable[[], ValidationResult]:
    """Return the validation as a function without arguments."""
    truth, settings = coco_ground_truth(data.val, state.network.schema), state.recipe.validation

    def loss_of(heatmaps: Tensor, batch: CropBatch) -> Tensor:
        return pose_loss_of(state, heatmaps, batch, None)

    def check() -> ValidationResult:
        with averaged_weights(state.network, state.average):
            return validate(
                state.fabric,
                state.network,
                loader,
                data.val,
                truth,
                decode=settings.decode,
                flip_test=settings.flip_test,
                progress=progress,
                loss_of=loss_of if settings.criterion == "loss" else None,
            )

    return check


def finish_epoch(
    state: State,
    check: Callable[[], ValidationResult],
    numbers: dict[str, float],
    folder: RunFolder,
    metrics: Metrics,
    progress: Progress,
) -> None:
    """Validate, log, and save."""
    is_last = state.epoch == state.recipe.training.epochs
    is_best = False
    if is_last or state.epoch % state.recipe.validation.every == 0:
        result = check()
        numbers = {**numbers, "val_ap": result.ap, "val_ar": result.ar}
        if result.loss is not None:
            numbers["val_loss"] = result.loss
        is_best = _is_best(state, result)
    metrics.write("epoch", state.epoch, state.step, numbers)
    shown = (
        ("loss_pose", "loss {:.5f}"),
        ("domain_accuracy", "domain accuracy {:.1%}"),
        ("val_loss", "validation loss {:.5f}"),
        ("val_ap", "AP {:.3f}"),
    )
    texts = [text.format(numbers[name]) for name, text in shown if name in numbers]
    progress.note(
        f"epoch {state.epoch}: {', '.join(texts)}{' (best)' if is_best else ''}, "
        f"{numbers['images_per_s']:.1f} images/s"
    )
    save_state(state, folder, is_best=is_best)


def _is_best(state: State, result: ValidationResult) -> bool:
    """Compare an epoch with the best so far and count those without improvement (early stopping).

    By loss, the best epoch is the last that improved by enough, as in the thesis's code; by AP, any higher AP
    is better, but only one that is higher by enough is an improvement.
    """
    least = state.recipe.training.min_improvement
    if result.loss is not None:
        is_best = improved = result.loss < state.best_loss * (1 - least)
    else:
        is_best = result.ap > state.best_ap
        improved = state.best_ap < 0 or result.ap > state.best_ap * (1 + least)
    if is_best:
        state.best_ap, state.best_epoch = result.ap, state.epoch
        state.best_loss = state.best_loss if result.loss is None else result.loss
    state.stale = 0 if improved else state.stale + 1
    return is_best


def save_state(state: State, folder: RunFolder, *, is_best: bool) -> None:
    """Write last.pt, and best.pt and best.safetensors where this epoch is the best."""
    if state.fabric.is_global_zero:
        content = checkpoint_of(state)
        if is_best:
            described = spec_metadata(state.network.spec, state.network.schema)
            save_weights(folder.weights, state.weights(), described)
            save_checkpoint(folder.best, content)
        save_checkpoint(folder.last, content)
    state.fabric.barrier()
