"""Labels of a user's own rigged scan: the body model's rules, on the scan's own bones and surface.

Keypoints come from the bones, visibility from the posed meshes: one is visible when the first surface on its
ray moves with a bone that adjoins it, and lies no farther in front of it than flesh is thick there. Box, mask
and area come from the same depth buffer as everybody's.
"""

from collections.abc import Collection

import numpy as np

from syrip_gen.annotation.labels import Labels, annotate
from syrip_gen.annotation.surface import BodySurface, adjoining_parts
from syrip_gen.body.kinematics import SMPL_PARENTS
from syrip_gen.keypoints.catalog import SMPL24
from syrip_gen.rendering.character import Character, CharacterFrame
from syrip_gen.rendering.character_rig import RigDriver
from syrip_gen.rendering.depth_buffer import DepthBuffer
from syrip_gen.rendering.types import RenderInputs
from syrip_gen.sampling.scene import SceneSpec

__all__ = ["annotate_character", "character_surface", "merged_adjoining"]


def character_surface(character: Character, driver: RigDriver) -> BodySurface:
    """Return what the visibility test needs of a scan: parts from its weights, flesh measured at rest.

    Args:
        character: The scan.
        driver: Gives its size and axes.
    """
    vertices, keypoints = character.rest(driver)
    adjoins = merged_adjoining(character.bones.joints)
    return BodySurface.from_parts(
        character.face_joints(driver), adjoins, keypoints, vertices, character.faces
    )


def merged_adjoining(joints: Collection[str]) -> np.ndarray:
    """Return the (17, 24) table of parts that meet at each keypoint where some joints have no bone.

    The part of a joint without a bone belongs to the nearest joint above it that has one.

    Args:
        joints: SMPL joints that have a bone.
    """
    table = adjoining_parts()
    merged = np.zeros_like(table)
    for part in range(len(SMPL24)):
        owner = part
        while SMPL24.keypoints[owner] not in joints and SMPL_PARENTS[owner] >= 0:
            owner = SMPL_PARENTS[owner]
        merged[:, owner] |= table[:, part]
    return merged


def annotate_character(
    spec: SceneSpec,
    inputs: RenderInputs,
    frame: CharacterFrame,
    surface: BodySurface,
    name: str,
    buffer: DepthBuffer | None = None,
) -> Labels:
    """Label one picture of a scan.

    Args:
        spec: The scene.
        inputs: Its camera, and the scan's posed meshes.
        frame: The posed scan.
        surface: Of :func:`character_surface`.
        name: Of the scan; stands in the annotation's ``source``.
        buffer: The scene's depth buffer, where somebody has drawn it already.
    """
    labels = annotate(spec, inputs, frame.keypoints_3d, None, surface, buffer)
    labels.record["annotation"]["source"]["character"] = name
    return labels
