"""From a SceneSpec to the arrays that a renderer takes, with the labels' 3D points beside them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from syrip_gen.body.assets import BodyAssets
from syrip_gen.body.posing import pose_body
from syrip_gen.geometry.rotations import axis_angle_to_matrix, matrix_to_axis_angle
from syrip_gen.numba_cache import numba_cache_folder
from syrip_gen.rendering.lamps import area_lamps
from syrip_gen.rendering.normals import vertex_normals
from syrip_gen.rendering.types import RenderInputs
from syrip_gen.sampling.appearance import Painter, TextureFolder, texture_size
from syrip_gen.sampling.backdrop import Backdrop, BackdropPainter
from syrip_gen.sampling.backgrounds import BackgroundLibrary
from syrip_gen.sampling.coarse_body import CoarseBody
from syrip_gen.sampling.lights import LightLibrary
from syrip_gen.sampling.materials import MaterialLibrary, shipped_materials
from syrip_gen.sampling.options import SamplingOptions
from syrip_gen.sampling.photos import PhotoSource, open_photos
from syrip_gen.sampling.plan import PlanContext, PoseTable
from syrip_gen.sampling.scene import BodySpec, SceneSpec
from syrip_gen.sampling.spherical_harmonics import rotate

if TYPE_CHECKING:
    from syrip_gen.fitting.bank import FitBank

__all__ = ["ResolvedScene", "Resources", "resolve_scene"]


HEAD_JOINT = 15
"""Of SMPL's tree."""


@dataclass(frozen=True, slots=True, eq=False)
class ResolvedScene:
    """One scene, ready to render and to label. Camera frame: OpenCV axes, metres."""

    inputs: RenderInputs
    keypoints_3d: np.ndarray
    """(17, 3) float64 COCO-17 keypoints."""
    joints_3d: np.ndarray
    """(24, 3) float64 SMPL joints."""
    body: BodySpec
    """Body parameters in the camera frame."""
    background_source: str
    """Name of the photo that was really used; empty for rooms."""
    notes: tuple[str, ...]
    """What went wrong and was worked around (broken photos)."""


@dataclass(frozen=True, slots=True, eq=False)
class Resources:
    """Everything that scenes share, loaded once per process."""

    body: BodyAssets
    options: SamplingOptions
    coarse: CoarseBody
    photos: PhotoSource | None
    lights: LightLibrary
    backdrops: BackdropPainter
    backgrounds: BackgroundLibrary
    painter: Painter | None
    """Paints skin and clothes; None when a texture folder replaces them."""
    textures: TextureFolder | None

    @classmethod
    def load(cls, body: BodyAssets, options: SamplingOptions) -> "Resources":
        """Open the backgrounds, read the shipped assets; raises with one line that says what is wrong."""
        photos = open_photos(options.backgrounds, options.max_image_pixels) if options.backgrounds else None
        textures = TextureFolder(options.textures, options.max_image_pixels) if options.textures else None
        materials = shipped_materials()
        return cls(
            body=body,
            options=options,
            coarse=CoarseBody.from_assets(body),
            photos=photos,
            lights=LightLibrary.load(),
            backdrops=BackdropPainter(photos, materials),
            backgrounds=background_library(photos, materials),
            painter=None if textures else painter_of(body, texture_size(options.width, options.height)),
            textures=textures,
        )

    def plan_context(self, bank: "FitBank") -> PlanContext:
        """Return what planning reads; raises ValueError when no fit was accepted."""
        table = PoseTable.from_bank(bank, self.coarse)
        names = self.textures.names if self.textures else ()
        return PlanContext(self.options, self.coarse, table, self.lights, self.backgrounds, names)

    def background_report(self) -> dict[str, int]:
        """Return how many photos are usable and how many were skipped, by reason."""
        return {"usable": len(self.photos), **self.photos.skipped} if self.photos else {}


def resolve_scene(spec: SceneSpec, resources: Resources) -> ResolvedScene:
    """Pose, dress and place the body, paint what is behind it, turn the light into the camera frame."""
    body, camera = resources.body, spec.camera
    T = np.array(camera.T_cam_world)
    R, t = T[:3, :3], T[:3, 3]
    posed = pose_body(
        body,
        np.array(spec.body.betas),
        np.array(spec.body.global_orient),
        np.array(spec.body.body_pose),
        np.array(spec.body.transl),
    )
    keypoints = np.asarray(body.keypoint_regressor @ posed.vertices.astype(np.float64)) @ R.T + t
    joints = posed.joints @ R.T + t
    rest_root = posed.joints[0] - np.array(spec.body.transl)
    vertices, normals, skin = dress(spec, _to_camera(posed.vertices, R, t), resources)
    backdrop: Backdrop = resources.backdrops.paint(spec)
    inputs = RenderInputs(
        vertices=vertices,
        normals=normals,
        faces=body.faces,
        uv=skin.uv,
        uv_faces=skin.uv_faces,
        texture=skin.texture,
        gloss=skin.gloss,
        background=backdrop.picture,
        support_plane=support_plane(R, t) if backdrop.has_support else None,
        sh=(rotate(np.array(spec.light.sh), R) * backdrop.light_gain).astype(np.float32),
        key_direction=(R @ np.array(spec.light.key_direction)).astype(np.float32),
        key_color=(np.array(spec.light.key_color) * backdrop.light_gain).astype(np.float32),
        shadow_softness=spec.light.shadow_softness,
        fx=camera.fx,
        fy=camera.fy,
        cx=camera.cx,
        cy=camera.cy,
        width=camera.width,
        height=camera.height,
        lamps=area_lamps(spec.light.lamps, T, backdrop.light_gain),
        vertices_open=_exposed(spec, spec.motion and spec.motion.shutter_open, resources),
        vertices_close=_exposed(spec, spec.motion and spec.motion.shutter_close, resources),
        focus_distance_m=spec.focus and spec.focus.distance_m,
        fstop=spec.focus and spec.focus.fstop,
        rest_vertices=body.v_template,
        head_weights=body.weights[:, HEAD_JOINT],
    )
    return ResolvedScene(
        inputs, keypoints, joints, body_in_camera(spec.body, T, rest_root), backdrop.source, backdrop.notes
    )


def _to_camera(vertices: np.ndarray, R: np.ndarray, t: np.ndarray) -> np.ndarray:
    return (vertices @ R.T.astype(np.float32) + t.astype(np.float32)).astype(np.float32)


def _exposed(spec: SceneSpec, moved: BodySpec | None, resources: Resources) -> np.ndarray | None:
    """Return the dressed (V, 3) camera-frame vertices of the body at another moment of the exposure."""
    if moved is None:
        return None
    parameters = (moved.betas, moved.global_orient, moved.body_pose, moved.transl)
    posed = pose_body(resources.body, *(np.array(values) for values in parameters))
    T = np.array(spec.camera.T_cam_world)
    return dress(spec, _to_camera(posed.vertices, T[:3, :3], T[:3, 3]), resources)[0]


@dataclass(frozen=True, slots=True, eq=False)
class _Skin:
    texture: np.ndarray
    gloss: np.ndarray | None
    uv: np.ndarray
    uv_faces: np.ndarray


def dress(
    spec: SceneSpec, vertices: np.ndarray, resources: Resources
) -> tuple[np.ndarray, np.ndarray, _Skin]:
    """Return the vertices lifted by clothes and hair, their normals, and the texture that goes on them.

    Args:
        spec: The scene.
        vertices: (V, 3) float32 bare skin, camera frame.
        resources: Shared assets.
    """
    body = resources.body
    normals = vertex_normals(vertices, body.faces)
    if spec.appearance.texture_file is not None:
        texture = resources.textures.read(spec.appearance.texture_file)
        return vertices, normals, _Skin(texture, None, body.uv, body.uv_faces)
    painter = resources.painter
    painted = painter.paint(spec.appearance)
    vertices = vertices + normals * painted.offset_m[:, None]
    skin = _Skin(painted.texture, painted.gloss, painter.uv, painter.uv_faces)
    return vertices, vertex_normals(vertices, body.faces), skin


_PAINTERS: WeakKeyDictionary[BodyAssets, dict[int, Painter]] = WeakKeyDictionary()


def painter_of(body: BodyAssets, size: int) -> Painter:
    """Return the painter of a body for textures of a size, made once per process."""
    painters = _PAINTERS.setdefault(body, {})
    if size not in painters:
        painters[size] = Painter(body, size, folder=numba_cache_folder())
    return painters[size]


def background_library(photos: PhotoSource | None, materials: MaterialLibrary) -> BackgroundLibrary:
    """Return the names of all photos and shipped materials."""
    return BackgroundLibrary(
        photos=tuple(photos.names) if photos else (),
        floors=materials.names("wood", "tile"),
        carpets=materials.names("carpet"),
        fabrics=materials.names("fabric", "rug"),
        patterns=materials.names("pattern"),
        reliefs=materials.names("relief"),
        weaves=materials.names("weave"),
        walls=materials.names("wall"),
        views=materials.names("view"),
    )


def support_plane(R: np.ndarray, t: np.ndarray) -> tuple[float, float, float, float]:
    """Return z = 0 of the world in the camera frame: unit normal (up) and offset."""
    normal = R[:, 2]
    return float(normal[0]), float(normal[1]), float(normal[2]), float(-normal @ t)


def body_in_camera(body: BodySpec, T_cam_world: np.ndarray, rest_root: np.ndarray) -> BodySpec:
    """Turn world-frame body parameters into camera-frame ones that give the same vertices there.

    Args:
        body: World-frame parameters.
        T_cam_world: (4, 4) rigid transform.
        rest_root: (3,) root joint of the unposed body; a root rotation turns the body about it.
    """
    R, t = T_cam_world[:3, :3], T_cam_world[:3, 3]
    orient = matrix_to_axis_angle(R @ axis_angle_to_matrix(np.array(body.global_orient)))
    transl = R @ (rest_root + np.array(body.transl)) + t - rest_root
    return BodySpec(
        betas=body.betas,
        global_orient=tuple(float(x) for x in orient),
        body_pose=body.body_pose,
        transl=tuple(float(x) for x in transl),
    )
