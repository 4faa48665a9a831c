"""How good a lifter is on the validation poses."""

import numpy as np
import torch

from fidip.evaluation.pose_metrics import ajpe, joint_distances, procrustes
from fidip.lifting.augmentation import Layout, make_views
from fidip.lifting.batches import PoseTensors, labelled_windows
from fidip.lifting.config import ViewSettings
from fidip.lifting.network import AnyLifter
from fidip.lifting.poses_3d import Poses3D
from fidip.lifting.views import Keypoints2D

__all__ = ["Validation"]

BATCH = 512
VIEW_SEED = 20_250


class Validation:
    """Measures a lifter on the same views every time.

    Poses of pictures are lifted from their labels with their cameras; poses without are seen as they stand
    (a camera of their own, drawn once), without noise.
    """

    def __init__(self, poses: Poses3D, layout: Layout, frames: int) -> None:
        tensors = PoseTensors(poses)
        has_labels = (poses.labels[..., 2] > 0).sum(1) >= 4
        self.batches: list[tuple[Keypoints2D, np.ndarray]] = []
        for chosen, is_labelled in ((has_labels, True), (~has_labels, False)):
            rows = torch.from_numpy(np.flatnonzero(chosen))
            for centre in rows.split(BATCH):
                if is_labelled:
                    keypoints, target = labelled_windows(tensors, centre, frames, layout)
                else:
                    keypoints, target = _plain_views(tensors, centre, frames, layout)
                self.batches.append((keypoints, target[:, frames // 2].numpy()))

    def __call__(self, network: AnyLifter, device: torch.device, *, with_pa: bool = True) -> dict[str, float]:
        """Return ``ajpe_mm`` and ``pa_mpjpe_mm``."""
        was_training = network.training
        network.eval()
        distances, aligned = [], []
        with torch.no_grad():
            for keypoints, target in self.batches:
                points = network(keypoints.to(device)).cpu().numpy()
                distances.append(joint_distances(points, target))
                if with_pa:
                    aligned.append(joint_distances(procrustes(points, target), target))
        network.train(was_training)
        numbers = {"ajpe_mm": 1000 * ajpe(np.concatenate(distances))}
        if with_pa:
            numbers["pa_mpjpe_mm"] = 1000 * ajpe(np.concatenate(aligned))
        return numbers


def _plain_views(
    tensors: PoseTensors, centre: torch.Tensor, frames: int, layout: Layout
) -> tuple[Keypoints2D, torch.Tensor]:
    settings = ViewSettings(
        azimuth=0, tilt_deg=0, roll_deg=0, any_roll=0, any_rotation=0, mirror=0, body_scale=0,
        camera_known=1, noise=0, missing=0, missing_face=0,
    )  # fmt: skip
    generator = torch.Generator().manual_seed(VIEW_SEED)
    views = make_views(
        tensors.points[tensors.window(centre, frames)], tensors.gravity[centre], settings, layout, generator
    )
    return views.keypoints, views.target
