"""What painting needs to know about one body: measured in seconds, then kept on disk beside Numba's cache.

A file's name is a digest of the body's arrays, of the texture's size and of the code that measures, so a file
is never out of date; it holds arrays only, is written atomically, and zip's checksums tell a damaged one.
"""

import hashlib
import logging
import os
import tempfile
import zipfile
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from syrip_gen.body.assets import BodyAssets
from syrip_gen.sampling.appearance.anatomy import Anatomy, measure
from syrip_gen.sampling.appearance.cloth import cloth_coordinates, cloth_layers, folds
from syrip_gen.sampling.appearance.eyes import EyeTexels, enlarge_eye_islands, eye_texels
from syrip_gen.sampling.appearance.garment_paint import chunk_bounds
from syrip_gen.sampling.appearance.hair import hair_layers
from syrip_gen.sampling.appearance.skin_layers import SKIN_LAYERS, skin_layers
from syrip_gen.sampling.appearance.surface import Samples, build_surface, in_chunks, region_masks
from syrip_gen.sampling.appearance.uv_maps import spread_rows

__all__ = ["PaintTables", "load_tables"]

log = logging.getLogger(__name__)

KEPT_FILES = 4
"""So many bodies' tables stay on disk; older ones make room."""
_PREFIX = "syrip-paint-"


@dataclass(frozen=True, slots=True, eq=False)
class PaintTables:
    """One body's surface as painting reads it; N rows are the texels that show it, V its vertices."""

    uv: np.ndarray
    """(U, 2) float32 coordinates of painted textures: the asset's, with larger islands for the eyes."""
    uv_faces: np.ndarray
    """(F, 3) int32."""
    flat: np.ndarray
    """(N,) int32 texel of each row in the flattened texture."""
    spread: np.ndarray
    """(2, M) int32 of :func:`uv_maps.spread_rows`."""
    fields: np.ndarray
    """(N, 9) float32 of :func:`anatomy.garment_fields`."""
    bounds: np.ndarray
    """(2, C, 9) float32 of :func:`garment_paint.chunk_bounds`."""
    skin: np.ndarray
    """(C, 18, CHUNK) uint8 of :func:`skin_layers.skin_layers`, see :func:`surface.in_chunks`."""
    hairy: np.ndarray
    """(H,) int32 rows where hair, brows or lashes may grow."""
    cloth: np.ndarray
    """(C, 6, CHUNK) uint8 of :func:`cloth.cloth_layers`."""
    across: np.ndarray
    """(N,) float32 of :func:`cloth.cloth_coordinates`."""
    along: np.ndarray
    """(N,) float32."""
    front: np.ndarray
    """(N, 2) float32 x and y of texels that face forward, far away elsewhere."""
    eye_rows: np.ndarray
    """(E,) int32; this and the next four are :class:`eyes.EyeTexels`."""
    eye_place: np.ndarray
    eye_opening: np.ndarray
    eye_fiber: np.ndarray
    eye_open_sky: np.ndarray
    fold: np.ndarray
    """(V,) float32 of :func:`cloth.folds`."""
    hair: np.ndarray
    """(V, 2) of :func:`hair.hair_layers`."""
    fill: np.ndarray
    """(V,) metres out to a smoothed surface: what cloth spans."""
    normal: np.ndarray
    """(V, 3) float32; this and the next three are columns of :class:`surface.Samples`."""
    vertex_fields: np.ndarray
    open_sky: np.ndarray
    eyeball: np.ndarray
    texel_m: np.ndarray
    """() float64 side of a typical texel on the trunk and limbs, metres."""

    @classmethod
    def build(cls, assets: BodyAssets, anatomy: Anatomy, size: int) -> "PaintTables":
        """Measure a body; takes seconds."""
        uv, uv_faces = enlarge_eye_islands(
            assets.v_template, assets.faces, assets.uv, assets.uv_faces, anatomy
        )
        surface = build_surface(assets, anatomy, uv, uv_faces, size)
        texels, vertices = surface.texels, surface.vertices
        skin = skin_layers(texels, anatomy)
        cloth = cloth_coordinates(texels, anatomy)
        eyes = eye_texels(texels, surface.texel_map.flat, anatomy)
        garment_fields = np.ascontiguousarray(texels.fields)
        return cls(
            uv=uv,
            uv_faces=uv_faces,
            flat=surface.texel_map.flat,
            spread=spread_rows(surface.texel_map),
            fields=garment_fields,
            bounds=np.stack(chunk_bounds(garment_fields)),
            skin=in_chunks(skin),
            hairy=np.flatnonzero(skin[:, SKIN_LAYERS.index("hairline")]).astype(np.int32),
            cloth=in_chunks(cloth_layers(texels, anatomy)),
            across=cloth.across,
            along=cloth.along,
            front=np.where(texels.normal[:, 2:] > 0.05, texels.position[:, :2], 1e6).astype(np.float32),
            eye_rows=eyes.rows,
            eye_place=eyes.place,
            eye_opening=eyes.opening,
            eye_fiber=eyes.fiber,
            eye_open_sky=eyes.open_sky,
            fold=folds(vertices.position, vertices, anatomy),
            hair=hair_layers(vertices, anatomy),
            fill=_hollows(assets, vertices),
            normal=vertices.normal,
            vertex_fields=vertices.fields,
            open_sky=vertices.open_sky,
            eyeball=vertices.eyeball,
            texel_m=np.array(_texel_size(assets, uv, uv_faces, size)),
        )

    def eyes(self) -> EyeTexels:
        """Return what :func:`eyes.paint_eyes` reads."""
        return EyeTexels(
            self.eye_rows,
            self.flat[self.eye_rows],
            self.eye_place,
            self.eye_opening,
            self.eye_fiber,
            self.eye_open_sky,
        )

    def vertices(self, assets: BodyAssets) -> Samples:
        """Return what is known at the vertices."""
        return Samples(
            position=assets.v_template.astype(np.float32),
            normal=self.normal,
            weights=assets.weights.astype(np.float32),
            fields=self.vertex_fields,
            open_sky=self.open_sky,
            regions=region_masks(assets),
            eyeball=self.eyeball,
        )


def load_tables(assets: BodyAssets, size: int, folder: Path | None) -> tuple[PaintTables, Anatomy]:
    """Read the tables of a body from ``folder``, or build them and leave them there.

    Args:
        assets: The body.
        size: Width and height of painted textures, texels.
        folder: Where files are kept; None, or a folder that cannot be written, builds them each time.
    """
    anatomy = measure(assets)
    path = folder / f"{_PREFIX}{_digest(assets, size)[:24]}.npz" if folder else None
    tables = _read(path) if path else None
    if tables is None:
        tables = PaintTables.build(assets, anatomy, size)
        if path:
            with suppress(OSError):
                _write(path, tables)
    return tables, anatomy


def _digest(assets: BodyAssets, size: int) -> str:
    """Return a digest of everything that the tables depend on."""
    digest = hashlib.sha256(f"{size} {np.__version__}".encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    regressors = (assets.J_regressor, assets.keypoint_regressor)
    sparse = [part for matrix in regressors for part in (matrix.data, matrix.indices, matrix.indptr)]
    named = [value for name in sorted(assets.regions) for value in (name, assets.regions[name])]
    for value in (
        assets.v_template, assets.faces, assets.uv, assets.uv_faces, assets.weights, *sparse, *named,
    ):  # fmt: skip
        if isinstance(value, str):
            digest.update(value.encode())
        else:
            digest.update(f"{value.shape} {value.dtype}".encode() + np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()


def _read(path: Path) -> PaintTables | None:
    """Return the tables in a file, None where it is missing or damaged."""
    try:
        with np.load(path, allow_pickle=False) as data:
            return PaintTables(**{field.name: data[field.name] for field in fields(PaintTables)})
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        if not isinstance(error, FileNotFoundError):
            log.debug("painting tables %s: %s", path, error)
        return None


def _write(path: Path, tables: PaintTables) -> None:
    """Write a file atomically; the oldest of too many are removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, **{field.name: getattr(tables, field.name) for field in fields(PaintTables)})
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    files = sorted(path.parent.glob(f"{_PREFIX}*.npz"), key=lambda p: p.stat().st_mtime, reverse=True)
    for old in files[KEPT_FILES:]:
        old.unlink(missing_ok=True)


def _hollows(assets: BodyAssets, vertices: Samples, rounds: int = 25) -> np.ndarray:
    """Return (V,) metres out to a smoothed surface: what cloth spans (folds, navel, groin)."""
    from scipy import sparse

    faces, count = assets.faces, assets.num_vertices
    ends = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    ends = np.concatenate([ends, ends[:, ::-1]])
    links = sparse.csr_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), (count, count))
    links.data[:] = 1.0
    mean = sparse.diags(1.0 / np.maximum(np.asarray(links.sum(axis=1)).ravel(), 1)) @ links
    smooth = vertices.position.astype(np.float64)
    for _ in range(rounds):
        smooth = 0.5 * smooth + 0.5 * (mean @ smooth)
    out = np.einsum("ij,ij->i", smooth - vertices.position, vertices.normal)
    out = np.maximum(out, 0.0)
    for _ in range(3):
        out = 0.5 * out + 0.5 * (mean @ out)
    return out


def _texel_size(assets: BodyAssets, uv: np.ndarray, uv_faces: np.ndarray, size: int) -> float:
    """Return the side of a typical texel on the trunk and limbs, metres."""
    body = (assets.weights[:, 15] < 0.1)[assets.faces].all(axis=1)
    corners = assets.v_template[assets.faces[body]]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    flat = uv.astype(np.float64)[uv_faces[body]] * size
    a, b = flat[:, 1] - flat[:, 0], flat[:, 2] - flat[:, 0]
    texels = np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])
    return float(np.sqrt(area.sum() / texels.sum()))
