"""What the camera sees at every pixel: one buffer for the labels and for every renderer.

Pixel centres are drawn first. Corners matter only where the picture shows an edge, so a second pass draws
them for the few triangles that lie there; they tell how much of an edge pixel each surface covers.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit

from syrip_gen.rendering.screen import SUBSTEPS, pixel_bounds, project
from syrip_gen.rendering.topology import MeshTopology
from syrip_gen.rendering.types import RenderInputs
from syrip_gen.rendering.zbuffer import fill_faces, fill_marked_faces

__all__ = ["SAME_SURFACE", "CornerSamples", "DepthBuffer"]

_JIT = {"nogil": True, "cache": True, "error_model": "numpy"}
SAME_SURFACE = np.float32(0.006)
"""Relative depth difference up to which samples within a pixel count as one surface."""


class DepthBuffer:
    """The nearest triangle at the pixel centres of one picture after another; memory is used again.

    After :meth:`draw`, until the next one:

    * ``topology``: facts about the mesh, computed anew only when its triangles change;
    * ``vertices``: (V, 3) float32 as drawn; ``xy`` and ``inv_z``: their projections, relative to corners
      (:func:`syrip_gen.rendering.screen.project`);
    * ``bounds``: first column, first row, end column, end row of the pixels that the body may touch (first =
      end column for none);
    * ``inverse_depth``: (h, w) float32 1/z at pixel centres, 0 where no body is;
    * ``face``: (h, w) int32 nearest triangle, undefined where no body is.
    """

    topology: MeshTopology
    vertices: np.ndarray
    xy: np.ndarray
    inv_z: np.ndarray

    def __init__(self) -> None:
        self.bounds = (0, 0, 0, 0)
        self.inverse_depth = np.zeros((0, 0), dtype=np.float32)
        self.face = np.zeros((0, 0), dtype=np.int32)
        self._known: MeshTopology | None = None

    def draw(self, inputs: RenderInputs) -> "DepthBuffer":
        """Draw the body of one scene; triangles seen from behind are left out when the mesh is closed."""
        h, w = inputs.height, inputs.width
        if self.face.shape != (h, w):
            self.inverse_depth = np.zeros((h, w), dtype=np.float32)
            self.face = np.zeros((h, w), dtype=np.int32)
        else:
            x0, y0, x1, y1 = self.bounds
            self.inverse_depth[y0:y1, x0:x1] = 0.0
        self.vertices = np.ascontiguousarray(inputs.vertices, dtype=np.float32)
        self.topology = self._topology_of(inputs.faces, len(self.vertices))
        fx, fy, cx, cy = camera = camera_of(inputs)
        self.xy, self.inv_z = project(self.vertices, *camera)
        self.bounds = pixel_bounds(self.xy, self.inv_z, w, h)
        if self.is_seen:
            fill_faces(
                self.vertices, self.topology.faces, self.xy - np.int32(SUBSTEPS // 2), self.inv_z,
                fx, fy, cx - 0.5, cy - 0.5, self.topology.is_closed, self.inverse_depth, self.face,
            )  # fmt: skip
        return self

    @property
    def is_seen(self) -> bool:
        """Whether the body may touch the picture at all."""
        return self.bounds[0] < self.bounds[2]

    @property
    def mask(self) -> np.ndarray:
        """A new (h, w) bool array: pixels whose centre shows the body."""
        return self.inverse_depth > 0.0

    def depth(self) -> np.ndarray:
        """Return a new (h, w) float32 array: metres along z, inf where no body is."""
        depth = np.full(self.inverse_depth.shape, np.inf, dtype=np.float32)
        x0, y0, x1, y1 = self.bounds
        with np.errstate(divide="ignore"):
            np.divide(np.float32(1.0), self.inverse_depth[y0:y1, x0:x1], out=depth[y0:y1, x0:x1])
        return depth

    def _topology_of(self, faces: np.ndarray, num_vertices: int) -> MeshTopology:
        if self._known is None or not self._known.describes(faces, num_vertices):
            self._known = MeshTopology.from_faces(faces, num_vertices)
        return self._known


@dataclass(frozen=True, slots=True, eq=False)
class CornerSamples:
    """Which pixels show an edge, and the nearest triangle at the corners of those; memory is used again."""

    marks: np.ndarray
    """(h, w) bool: the surface breaks or bends between the pixel and one of its eight neighbours."""
    inverse_depth: np.ndarray
    """(h+1, w+1) float32, 0 where empty; (j, i) is the top left corner of pixel (j, i)."""
    face: np.ndarray
    """(h+1, w+1) int32, undefined where empty."""

    @classmethod
    def allocate(cls, w: int, h: int) -> "CornerSamples":
        """Make room for a picture of w x h pixels."""
        return cls(
            np.zeros((h, w), dtype=np.bool_),
            np.zeros((h + 1, w + 1), dtype=np.float32),
            np.zeros((h + 1, w + 1), dtype=np.int32),
        )

    def draw(self, buffer: DepthBuffer, inputs: RenderInputs) -> None:
        """Draw within the bounds of ``buffer`` what it shows; what lies outside them is left as it was."""
        x0, y0, x1, y1 = buffer.bounds
        self.inverse_depth[y0 : y1 + 1, x0 : x1 + 1] = 0.0
        _mark_edges(buffer.inverse_depth, x0, y0, x1, y1, SAME_SURFACE, self.marks)
        sums = cv2.integral(self.marks[y0:y1, x0:x1].view(np.uint8), sdepth=cv2.CV_32S)
        fill_marked_faces(
            buffer.vertices, buffer.topology.faces, buffer.xy, buffer.inv_z, *camera_of(inputs),
            buffer.topology.is_closed, sums, x0, y0, self.inverse_depth, self.face,
        )  # fmt: skip


def camera_of(inputs: RenderInputs) -> tuple[float, float, float, float]:
    """Return fx, fy, cx, cy, px."""
    return float(inputs.fx), float(inputs.fy), float(inputs.cx), float(inputs.cy)


@njit(**_JIT)
def _mark_edges(inverse_depth, x0, y0, x1, y1, tolerance, marks):
    """Mark pixels at which the surface breaks or bends: 1/z of a plane is linear on the screen.

    Looks at the pixel and its eight neighbours, in four directions.
    """
    h = inverse_depth.shape[0]
    n = x1 - x0
    for j in range(y0, y1):
        row = marks[j, x0:x1]
        if j == 0 or j == h - 1 or n < 3:
            row[:] = True
            continue
        above, here, below = inverse_depth[j - 1, x0:x1], inverse_depth[j, x0:x1], inverse_depth[j + 1, x0:x1]
        row[0] = row[n - 1] = True
        for i in range(1, n - 1):
            twice = here[i] + here[i]
            bend = max(
                max(abs(here[i - 1] + here[i + 1] - twice), abs(above[i] + below[i] - twice)),
                max(abs(above[i - 1] + below[i + 1] - twice), abs(above[i + 1] + below[i - 1] - twice)),
            )
            row[i] = bend > tolerance * max(here[i], bend)
