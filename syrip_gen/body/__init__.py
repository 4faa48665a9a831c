"""SMPL-format body models: safe loading, posing, exact fast keypoints.

>>> from syrip_gen.body import load_body
>>> from syrip_gen.body.posing import pose_body
>>> body = load_body("infant")
>>> posed = pose_body(body)
"""

from syrip_gen.body.assets import BodyAssets
from syrip_gen.body.load import load_body

__all__ = ["BodyAssets", "load_body"]
