"""KeypointSchema: the names, symmetry, edges and OKS sigmas of one keypoint layout."""

from dataclasses import dataclass

import numpy as np

__all__ = ["KeypointSchema"]


@dataclass(frozen=True, slots=True)
class KeypointSchema:
    """One keypoint layout. Indices are 0-based; 1-based COCO edges exist only in JSON files."""

    name: str
    """Short name, such as ``coco17``."""
    keypoints: tuple[str, ...]
    """Names in file order. The same name means the same body point in every schema."""
    flip_pairs: tuple[tuple[str, str], ...] = ()
    """(left, right) names that swap when the image is mirrored."""
    skeleton: tuple[tuple[int, int], ...] = ()
    """Edges to draw, as 0-based index pairs."""
    oks_sigmas: tuple[float, ...] | None = None
    """Per-keypoint standard deviations of object keypoint similarity, or None where nobody defined them."""

    def __post_init__(self) -> None:
        count = len(self.keypoints)
        if len(set(self.keypoints)) != count:
            raise ValueError(f"schema {self.name!r}: keypoint names must be unique, got {self.keypoints}")
        paired = [name for pair in self.flip_pairs for name in pair]
        unknown = sorted(set(paired) - set(self.keypoints))
        if unknown:
            raise ValueError(f"schema {self.name!r}: flip pairs name unknown keypoints {unknown}")
        if len(set(paired)) != len(paired):
            raise ValueError(f"schema {self.name!r}: a keypoint may be in one flip pair only, got {paired}")
        bad_edges = [edge for edge in self.skeleton if not all(0 <= end < count for end in edge)]
        if bad_edges:
            raise ValueError(f"schema {self.name!r}: edges {bad_edges} leave the range 0..{count - 1}")
        if self.oks_sigmas is not None and len(self.oks_sigmas) != count:
            raise ValueError(f"schema {self.name!r}: expected {count} OKS sigmas, got {len(self.oks_sigmas)}")

    def __len__(self) -> int:
        return len(self.keypoints)

    def index(self, keypoint: str) -> int:
        """Return the position of a keypoint.

        Raises:
            ValueError: If the schema has no such keypoint.
        """
        try:
            return self.keypoints.index(keypoint)
        except ValueError:
            raise ValueError(
                f"schema {self.name!r} has no keypoint {keypoint!r}; it has {', '.join(self.keypoints)}"
            ) from None

    @property
    def flip_index(self) -> np.ndarray:
        """(K,) int64: entry i is the source of keypoint i in a mirrored image, ``kp[..., flip_index, :]``."""
        order = np.arange(len(self))
        for left, right in self.flip_pairs:
            i, j = self.index(left), self.index(right)
            order[i], order[j] = j, i
        return order

    @property
    def sides(self) -> tuple[str, ...]:
        """``left``, ``right`` or ``centre`` for every keypoint."""
        left = {pair[0] for pair in self.flip_pairs}
        right = {pair[1] for pair in self.flip_pairs}
        return tuple("left" if k in left else "right" if k in right else "centre" for k in self.keypoints)
