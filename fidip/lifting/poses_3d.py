"""Poses3D: 3D poses to learn from, as arrays in one keypoint schema."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from syrip_gen.keypoints.mapping import map_keypoints, map_points
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["Poses3D", "join_poses"]


@dataclass(frozen=True, slots=True)
class Poses3D:
    """N poses of one schema, in camera frames (x right, y down, z forward), metres."""

    points: np.ndarray
    """(N, K, 3) float32, NaN where missing."""
    gravity: np.ndarray
    """(N, 3) float32 unit vector of gravity, NaN where unknown."""
    clip: np.ndarray
    """(N,) int64: frames of one movement have the same number, in order and side by side."""
    group: np.ndarray
    """(N,) str: poses with the same source have the same name; train and test share none."""
    camera: np.ndarray
    """(N, 4) float32 fx, fy, cx, cy px, NaN where there is none."""
    image_size: np.ndarray
    """(N, 2) int64 width, height px, 0 where there is none."""
    key: np.ndarray
    """(N,) int64 image ids, by which predictions are found; -1 where there is none."""
    labels: np.ndarray
    """(N, K, 3) float32 labelled 2D keypoints x, y px, v; zeros where there are none."""
    schema: KeypointSchema
    source: str
    notes: tuple[str, ...] = ()
    """What to know about the source."""
    failures: tuple[str, ...] = ()
    """What is missing or could not be read and was left out, one line each."""

    def __len__(self) -> int:
        return len(self.points)

    def select(self, index: np.ndarray) -> "Poses3D":
        """Return some of the poses."""
        per_pose = ("points", "gravity", "clip", "group", "camera", "image_size", "key", "labels")
        return replace(self, **{name: getattr(self, name)[index] for name in per_pose})

    def in_schema(self, schema: KeypointSchema, *, by_order: bool = False) -> "Poses3D":
        """Return the poses in another schema; keypoints that it cannot get are v 0 and NaN in 3D.

        Args:
            schema: Schema wanted; keypoints are mapped to it by name.
            by_order: Take the keypoints as they come instead (an ablation); their number must agree.

        Raises:
            ValueError: If the number differs, or no keypoint is in it.
        """
        if self.schema.name == schema.name:
            return self
        if by_order:
            if len(self.schema) != len(schema):
                raise ValueError(
                    f"{self.source} has {len(self.schema)} keypoints ({self.schema.name}); taken as they "
                    f"come they should be {len(schema)} ({schema.name}). Set data.mapping to names."
                )
            return replace(self, schema=schema)
        points, defined = map_points(self.points, self.schema, schema)
        if not defined.any():
            raise ValueError(f"{self.source}: no keypoint of {self.schema.name} is in {schema.name}")
        labels = map_keypoints(self.labels, self.schema, schema).astype(np.float32)
        return replace(self, points=points.astype(np.float32), labels=labels, schema=schema)


def join_poses(parts: Sequence[Poses3D]) -> Poses3D:
    """Put files together; clips and groups of different files stay apart."""
    clips, groups, begin = [], [], 0
    for number, part in enumerate(parts):
        _, clip = np.unique(part.clip, return_inverse=True)
        clips.append(clip + begin)
        begin += int(clip.max()) + 1
        groups.append(np.char.add(f"{number}:", part.group.astype(str)))
    joined = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("points", "gravity", "camera", "image_size", "key", "labels")
    }
    sources = ", ".join(part.source for part in parts)
    return replace(
        parts[0], clip=np.concatenate(clips), group=np.concatenate(groups), source=sources, **joined
    )
