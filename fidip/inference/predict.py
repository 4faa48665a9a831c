"""``syrip predict``: photos, folders, videos and cameras to COCO results, CSV and overlays."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from fidip.inference.box_file import BoxFile, read_boxes
from fidip.inference.detected import Locate, locator
from fidip.inference.estimator import PoseEstimator
from fidip.inference.given_camera import GivenCamera, check_sizes, read_camera
from fidip.inference.options import PredictConfig
from fidip.inference.photo_run import PhotoRun
from fidip.inference.predict_result import MAX_TOLD, PredictResult
from fidip.inference.result_files import RESULTS_FILE, ResultFiles
from fidip.inference.run_file import lifter_facts, write_run_file
from fidip.inference.sources import Source, find_sources
from fidip.inference.video_run import VideoRun
from fidip.lifting.lift import Lifter
from fidip.models.catalog import network_names
from fidip.models.interface import PoseNetwork
from fidip.models.weights import open_network
from fidip.output_check import check_output_folder
from fidip.progress import Progress

__all__ = ["PredictResult", "open_checkpoint", "pick_device", "predict"]

SHIPPED = "infant"
"""Name of the lifter that comes with syrip."""


def predict(
    config: PredictConfig,
    inputs: Sequence[str],
    progress: Progress,
    *,
    should_stop: Callable[[], bool] = lambda: False,
) -> PredictResult:
    """Estimate the poses in photos, folders, videos and cameras, and write the results.

    Inputs are checked before anything is written. One bad photo or video is recorded and the others go on.
    When ``should_stop`` says so, what was predicted until then is completed on disk.

    Raises:
        FileNotFoundError: An input, the checkpoint or the box file does not exist.
        ValueError: Unusable settings or files, an output folder that cannot be written, or not one input
            could be read.
        OSError: The output cannot be written any more.
    """
    output = Path(config.output)
    check_output_folder(output, "-o")
    if (output / RESULTS_FILE).exists() and not config.overwrite:
        raise ValueError(f"{output} already holds {RESULTS_FILE}; choose another --output or add --overwrite")
    sources = find_sources(inputs, exclude=output)
    moving = [source.name for source in sources if source.kind != "photo"]
    if config.boxes and moving:
        raise ValueError(f"--boxes: boxes are of photos, and {moving[0]} is none; predict it without --boxes")
    if config.boxes and config.detector:
        raise ValueError("--boxes and --detector both say where the persons are: give one of them")
    if config.detector_score is not None and config.detector is None:
        raise ValueError("--detector-score needs --detector RUN")
    boxes = read_boxes(config.boxes) if config.boxes else None
    device = pick_device(config.device)
    locate = _open_locator(config, device)
    estimator = PoseEstimator(
        open_checkpoint(config.checkpoint),
        device=device,
        batch_size=config.batch_size,
        flip_test=not config.no_flip_test,
        rotation_pick=config.rotation_pick,
    )
    lifter = _open_lifter(config, estimator, device)
    camera = _camera(config, lifter)
    if camera is not None:
        check_sizes(camera, sources, boxes)
    result = PredictResult(output, estimator.spec.name, str(device))
    began = time.monotonic()
    files = ResultFiles(output, estimator.schema, None if lifter is None else lifter.output_schema)
    try:
        _work(sources, boxes, config, estimator, lifter, camera, locate, files, result, progress, should_stop)
    finally:
        result.seconds = time.monotonic() - began
        if files.num_persons or result.num_photos or result.num_frames or not result.failures:
            files.close()
        else:
            files.discard()
    if not (result.num_photos or result.num_frames) and result.failures:
        raise ValueError("; ".join(list(result.failures.values())[:MAX_TOLD]))
    lifting = {} if lifter is None else {"lifter": lifter_facts(lifter, camera)}
    content = {
        "inputs": list(inputs),
        "settings": config.model_dump(mode="json"),
        **result.figures(),
        **lifting,
        "without_pose": files.without_pose.as_dict(),
        **({} if lifter is None else {"not_lifted": files.not_lifted.as_dict()}),
        "overlays": result.overlays,
        "failures": result.failures,
        "notes": result.notes,
    }
    write_run_file(output, content)
    return result


def open_checkpoint(name: str | None) -> PoseNetwork:
    """Open a run folder, a weights file, or a network by its name with the weights that ship for it.

    Raises:
        FileNotFoundError: No such file or folder.
        ValueError: Not a usable checkpoint, or a network without shipped weights.
    """
    if name is not None and name in network_names() and not Path(name).exists():
        return open_network(None, name=name)
    return open_network(name)


def _open_locator(config: PredictConfig, device: torch.device) -> Locate | None:
    if config.detector is None:
        return None
    from fidip.detection.detectors import open_detector  # torchvision is not needed without

    return locator(open_detector(config.detector, device), config.detector_score)


def _open_lifter(config: PredictConfig, estimator: PoseEstimator, device: torch.device) -> Lifter | None:
    """Return the lifter that was asked for.

    Raises:
        ValueError: If it takes other keypoints than the network gives.
    """
    if config.lift is None:
        return None
    lifter = Lifter.open(None if config.lift == SHIPPED else config.lift, device, over_time=True)
    if lifter.schema.name != estimator.schema.name:
        raise ValueError(
            f"--lift {config.lift} takes {lifter.schema.name} keypoints, but {estimator.spec.name} gives "
            f"{estimator.schema.name}; use a lifter that was trained on them (data.schema_name)"
        )
    return lifter


def _camera(config: PredictConfig, lifter: Lifter | None) -> GivenCamera | None:
    """Return the camera that was given.

    Raises:
        ValueError: If it cannot be one, or nothing would use it.
    """
    if config.camera is None:
        return None
    if lifter is None:
        raise ValueError("--camera is for 3D poses: give --lift, too")
    if not lifter.uses_camera:
        raise ValueError(f"--camera: the lifter {lifter.name} does not use it; leave it out")
    return read_camera(config.camera)


def pick_device(name: str) -> torch.device:
    """Return the device of ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.

    Raises:
        ValueError: If it is unknown or not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError):
        raise ValueError(f"device {name!r} is not available here; use auto or cpu") from None
    return device


def _work(
    sources: Sequence[Source],
    boxes: BoxFile | None,
    config: PredictConfig,
    estimator: PoseEstimator,
    lifter: Lifter | None,
    camera: GivenCamera | None,
    locate: Locate | None,
    files: ResultFiles,
    result: PredictResult,
    progress: Progress,
    should_stop: Callable[[], bool],
) -> None:
    overlays = result.output / "overlays" if config.overlay else None
    still = None if lifter is None else lifter.of_frames
    photos = PhotoRun(estimator, files, result, overlays, boxes, still, locate, camera)
    videos = VideoRun(
        estimator,
        files,
        result,
        overlays,
        is_smooth=config.smooth == "one-euro",
        max_frames=config.max_frames,
        lifter=lifter,
        locate=locate,
        camera=camera,
    )
    photo_sources = [source for source in sources if source.kind == "photo"]
    if photo_sources:
        progress.stage("photos", len(photo_sources))
        photos.run(photo_sources, progress.advance, should_stop)
    image_id = max(photos.next_image_id, 1)
    for source in sources:
        if source.kind != "photo" and not should_stop():
            image_id = videos.run(source, image_id, progress, should_stop)
    result.num_persons, result.num_not_lifted = files.num_persons, files.num_not_lifted
    result.was_interrupted = should_stop()
