"""Cameras around an infant that rests on the plane z = 0: where a parent would stand with a phone."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from syrip_gen.sampling.scene import CameraSpec

__all__ = [
    "Framing",
    "place_camera",
    "place_camera_above",
    "sample_framing",
    "sample_rotation",
    "view_rotation",
]

ELEVATION_DEG = {
    # posture: (low, mode, high) of a triangular distribution of the camera's elevation above the horizon
    "Supine": (18.0, 62.0, 90.0),
    "Prone": (8.0, 35.0, 85.0),
    "Side": (15.0, 50.0, 90.0),
    "Sitting": (0.0, 18.0, 60.0),
    "Standing": (-2.0, 12.0, 50.0),
    "Crawling": (3.0, 20.0, 70.0),
}
ROLL_STD_DEG = {"Supine": 20.0, "Prone": 10.0, "Side": 18.0, "Sitting": 5.0, "Standing": 5.0, "Crawling": 6.0}
"""Standard deviation of the camera's roll at eye level; straight down any roll is natural."""
MIN_ELEVATION_DEG = {
    "Supine": 12.0,
    "Prone": 2.0,
    "Side": 10.0,
    "Sitting": -3.0,
    "Standing": -5.0,
    "Crawling": 0.0,
}
FACE_TRIES = 3
MIN_CAMERA_HEIGHT = 0.06
"""Metres above the support."""

FOCAL_RANGE = (0.75, 2.3)
"""Focal length over the image's longer side: 27 mm (phone) to 83 mm (portrait lens) on full frame."""


@dataclass(frozen=True, slots=True)
class Framing:
    """How large the infant is in the picture and where."""

    focal: float
    """Multiple of the image's longer side."""
    fill: float
    """The larger of box width / image width and box height / image height."""
    centre: tuple[float, float]
    """Box centre as a fraction of the image's width and height."""


def sample_framing(out_of_frame: bool, rng: np.random.Generator) -> Framing:
    """Draw lens, size and place of the infant.

    Sizes follow SyRIP's boxes (box / image area 5/50/95 % = 0.05/0.21/0.65 over 383 photos, 0.11/0.35/0.77
    over the test hundred; centres within +-0.1 of the middle). Out of the frame: larger and off-centre.
    """
    focal = float(np.exp(rng.uniform(*np.log(FOCAL_RANGE))))
    fill = 0.24 + 0.70 * rng.beta(2.0, 1.4)
    offset = rng.standard_normal(2) * (0.35 * (1.0 - fill) + 0.01)
    side, push = rng.integers(4), rng.uniform(0.12, 0.35)
    if out_of_frame:
        fill = rng.uniform(0.7, 1.3)
        axis, sign = divmod(int(side), 2)
        offset[axis] = (1 if sign else -1) * (0.5 - fill / 2 + push * fill)
    else:
        slack = (1.0 - fill) / 2 - 0.01
        offset = np.clip(offset, -max(slack, 0.0), max(slack, 0.0))
    return Framing(focal, float(fill), (float(0.5 + offset[0]), float(0.5 + offset[1])))


def view_rotation(azimuth: float, elevation: float, roll: float) -> np.ndarray:
    """Return the (3, 3) world-to-camera rotation of a camera that looks at the infant.

    Args:
        azimuth: Direction from which the camera looks, around world z, radians.
        elevation: Height of the camera above the horizon, radians (pi/2 = straight from above).
        roll: Turn about the viewing axis, radians.
    """
    ca, sa, ce, se = np.cos(azimuth), np.sin(azimuth), np.cos(elevation), np.sin(elevation)
    forward = -np.array([ce * ca, ce * sa, se])
    down = np.array([se * ca, se * sa, -ce])
    right = np.array([-sa, ca, 0.0])
    cr, sr = np.cos(roll), np.sin(roll)
    return np.stack([cr * right + sr * down, -sr * right + cr * down, forward])


def decompose_view(R_cam_world: np.ndarray) -> tuple[float, float, float]:
    """Return (azimuth, elevation, roll) of a world-to-camera rotation; inverts :func:`view_rotation`."""
    forward = R_cam_world[2]
    elevation = float(np.arcsin(np.clip(-forward[2], -1.0, 1.0)))
    azimuth = float(np.arctan2(-forward[1], -forward[0]))
    upright = view_rotation(azimuth, elevation, 0.0)
    roll = float(np.arctan2(R_cam_world[0] @ upright[1], R_cam_world[0] @ upright[0]))
    return azimuth, elevation, roll


def sample_rotation(
    posture: str, R_real: np.ndarray | None, face: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Draw a (3, 3) world-to-camera rotation for a posture.

    Args:
        posture: One of :data:`syrip_gen.sampling.resting.POSTURES`.
        R_real: World-to-camera rotation of the photo that the pose was fitted to; the camera then stays near
            it.
            None: anywhere that suits the posture.
        face: (3,) unit direction in which the face looks, world. People photograph faces: of FACE_TRIES
            directions around the infant the camera takes the one that sees most of it.
        rng: Random stream.
    """
    low, mode, high = np.deg2rad(ELEVATION_DEG[posture])
    noise = rng.standard_normal(3)
    azimuths = rng.uniform(-np.pi, np.pi, FACE_TRIES)
    free = azimuths, rng.triangular(low, mode, high), rng.uniform(-np.pi, np.pi)
    if R_real is None:
        elevation = free[1]
        azimuth = float(max(azimuths, key=lambda a: face[0] * np.cos(a) + face[1] * np.sin(a)))
        # Looking down, "up" in the picture is whatever the photographer liked; at eye level it is gravity.
        steep = np.clip((np.rad2deg(elevation) - 45.0) / 35.0, 0.0, 1.0)
        roll = (1 - steep) * np.deg2rad(ROLL_STD_DEG[posture]) * noise[2] + steep * free[2]
    else:
        azimuth, elevation, roll = decompose_view(R_real)
        azimuth += np.deg2rad(22.0) * noise[0]
        elevation += np.deg2rad(9.0) * noise[1]
        roll += np.deg2rad(7.0) * noise[2]
        steep = np.clip((np.rad2deg(elevation) - 40.0) / 35.0, 0.0, 1.0)
        limit = np.deg2rad(2.5 * ROLL_STD_DEG[posture]) * (1 - steep) + np.pi * steep
        roll = float(np.clip((roll + np.pi) % (2 * np.pi) - np.pi, -limit, limit))
    elevation = float(np.clip(elevation, np.deg2rad(MIN_ELEVATION_DEG[posture]), np.pi / 2))
    return view_rotation(azimuth, elevation, roll)


def place_camera(
    points: np.ndarray, R_cam_world: np.ndarray, framing: Framing, width: int, height: int
) -> CameraSpec:
    """Move the camera along its axis and sideways until the body's box has the framing's size and place.

    Args:
        points: (n, 3) coarse body vertices, world frame, metres.
        R_cam_world: (3, 3).
        framing: Lens, size and place.
        width: px.
        height: px.
    """
    focal = framing.focal * max(width, height)
    rotated = points @ R_cam_world.T
    T = np.eye(4)
    T[:3, :3] = R_cam_world
    T[:3, 3] = _translation(rotated, focal, width, height, framing.fill, *framing.centre)
    return CameraSpec(
        fx=focal, fy=focal, cx=width / 2.0, cy=height / 2.0, width=width, height=height,
        T_cam_world=tuple(tuple(float(x) for x in row) for row in T),
    )  # fmt: skip


@njit(nogil=True, cache=True, error_model="numpy")
def _translation(rotated, focal, width, height, wanted_fill, center_x, center_y):
    """Return the (3,) translation that gives points (n, 3) with the camera's axes their size and place."""
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for i in range(rotated.shape[0]):
        for axis in range(3):
            low[axis], high[axis] = min(low[axis], rotated[i, axis]), max(high[axis], rotated[i, axis])
    middle = (low + high) / 2
    nearest = 0.12 - low[2]
    x, y, z = -middle[0], -middle[1], 1.0 - middle[2]
    for _ in range(8):
        left = top = np.inf
        right = bottom = -np.inf
        for i in range(rotated.shape[0]):
            scale = focal / (rotated[i, 2] + z)
            u, v = (rotated[i, 0] + x) * scale, (rotated[i, 1] + y) * scale
            left, right, top, bottom = min(left, u), max(right, u), min(top, v), max(bottom, v)
        fill = max((right - left) / width, (bottom - top) / height)
        z = max((z + middle[2]) * fill / wanted_fill - middle[2], nearest)
        metres = (z + middle[2]) / focal
        x += ((center_x - 0.5) * width - (left + right) / 2) * metres
        y += ((center_y - 0.5) * height - (top + bottom) / 2) * metres
    return np.array([x, y, z])


def place_camera_above(
    points: np.ndarray, R_cam_world: np.ndarray, framing: Framing, width: int, height: int
) -> CameraSpec:
    """Place a camera as :func:`place_camera` does, raised in steps until it is above the support z = 0."""
    azimuth, elevation, roll = decompose_view(R_cam_world)
    while True:
        camera = place_camera(points, view_rotation(azimuth, elevation, roll), framing, width, height)
        if camera_position(camera)[2] >= MIN_CAMERA_HEIGHT or elevation >= np.pi / 2:
            return camera
        elevation = min(elevation + np.deg2rad(4.0), np.pi / 2)


def camera_position(camera: CameraSpec) -> np.ndarray:
    """Return the (3,) optical centre in the world frame."""
    T = np.array(camera.T_cam_world)
    return -T[:3, :3].T @ T[:3, 3]
