"""A small COCO keypoint file with pictures, as a dataset of syrip generate."""

import json

import numpy as np
import pytest
from PIL import Image

from syrip_gen.annotation.coco import ANNOTATION_FILE, IMAGE_FOLDER, person_category

WIDTH, HEIGHT = 80, 60


class Dataset:
    """A dataset folder that tests change before they export it."""

    def __init__(self, root):
        self.root = root
        self.pictures = root / IMAGE_FOLDER
        self.data = {
            "info": {"description": "made up"},
            "licenses": [],
            "categories": [person_category()],
            "images": [],
            "annotations": [],
        }
        self.pictures.mkdir(parents=True)

    @property
    def file(self):
        return self.root / ANNOTATION_FILE

    def add(self, name, people=1, *, size=(WIDTH, HEIGHT), saved_as=None, pose=None, **image):
        """Add a picture and people with known labels; return the image's id."""
        image_id = 10 + len(self.data["images"])
        record = {"id": image_id, "file_name": name, "width": size[0], "height": size[1], **image}
        self.data["images"].append(record)
        rng = np.random.default_rng(image_id)
        path = self.pictures / (saved_as or name)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)).save(path)
        for number in range(people):
            points = np.column_stack([rng.uniform(0, size, (17, 2)).round(3), rng.integers(0, 3, 17)])
            points[points[:, 2] == 0] = 0
            points[0] = 40, 30, 2
            annotation = {
                "id": 100 * image_id + number,
                "image_id": image_id,
                "category_id": 1,
                "iscrowd": 0,
                "bbox": [8 + number, 6, 40, 30],
                "keypoints": points.ravel().tolist(),
            }
            if pose is not None:
                annotation["source"] = {"pose_id": pose, "seed": 1}
            self.data["annotations"].append(annotation)
        return image_id

    def write(self):
        """Write the annotation file; return the folder."""
        self.file.parent.mkdir(exist_ok=True)
        self.file.write_text(json.dumps(self.data))
        return self.root


@pytest.fixture
def empty_dataset(tmp_path):
    return Dataset(tmp_path / "data")


@pytest.fixture
def dataset(empty_dataset):
    """Twelve pictures of four poses."""
    for number in range(12):
        empty_dataset.add(f"train{number:05d}.jpg", pose=f"photos/{number % 4}")
    return empty_dataset
