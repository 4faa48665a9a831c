"""Poses from the pickles of AH-CoLT, the authors' labelling tool."""

from pathlib import Path

from syrip_gen.keypoints.ahcolt_file import ACCEPTED, read_ahcolt_file
from syrip_gen.keypoints.cleaning import PoseCollector
from syrip_gen.keypoints.poses import PoseSet

__all__ = ["read_ahcolt"]


def read_ahcolt(path: Path) -> PoseSet:
    """Read a ``_gt``, ``_fRCNN``, ``_hg`` or ``_flag`` pickle (nothing in it is executed).

    Keypoints that a reviewer did not accept (``_flag``) become unlabelled. Image sizes are estimated.

    Raises:
        ValueError: If the file is not one of AH-CoLT's or has no usable pose.
    """
    file = read_ahcolt_file(path)
    collector = PoseCollector(path)
    for frame, people in enumerate(file.frames):
        for person in people:
            triples = person.keypoints.copy()
            if person.flags is not None:
                triples[person.flags != ACCEPTED, 2] = 0
            collector.add(
                triples,
                person.schema,
                is_score=False,
                image_id=frame + 1,
                annotation_id=len(collector.keypoints) + 1,
                bbox=person.box,
                file_name=file.images[frame] if frame < len(file.images) else "",
            )
    return collector.pose_set()
