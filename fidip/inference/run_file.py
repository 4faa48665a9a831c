"""``run.json`` of a prediction: what was asked for, with what it was done, and what is missing."""

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from fidip.inference.given_camera import GivenCamera
from fidip.lifting.lift import Lifter
from fidip.lifting.views import ASSUMED_FOCAL

__all__ = ["RUN_FILE", "lifter_facts", "write_run_file"]

RUN_FILE = "run.json"


def lifter_facts(lifter: Lifter, camera: GivenCamera | None) -> dict[str, Any]:
    """Return what to know about 3D poses: who lifted them, and the camera that was given or assumed."""
    facts: dict[str, Any] = {
        "name": lifter.name,
        "file": lifter.file.name,
        "sha256": hashlib.sha256(lifter.file.read_bytes()).hexdigest(),
        "frames_seen": lifter.network.frames,
        "keypoint_schema_3d": lifter.output_schema.name,
        "unlearnt": sorted(lifter.network.unlearnt),
    }
    if not lifter.uses_camera:
        return facts | {"camera": "not used by this lifter"}
    if camera is None:
        lens = f"{ASSUMED_FOCAL:g} x the longer side as focal length, principal point in the middle"
        return facts | {"camera": f"unknown; assumed {lens}"}
    fx, fy = camera.focal
    centre = camera.centre or (None, None)
    return facts | {"camera": {"fx": fx, "fy": fy, "cx": centre[0], "cy": centre[1]}}


def write_run_file(folder: Path, content: Mapping[str, Any]) -> None:
    """Write run.json into a folder, atomically; versions are added."""
    run = {**content, "versions": {"python": platform.python_version(), "torch": torch.__version__}}
    path = folder / RUN_FILE
    part = path.with_name(f".{RUN_FILE}.part")
    part.write_text(json.dumps(run, indent=1) + "\n", encoding="utf-8")
    os.replace(part, path)
