"""Small COCO files made of random persons."""

import numpy as np

from syrip_gen.annotation.coco import person_category

POSTURES = ("Supine", "Prone", "Sitting")


def random_people(seed=0, num_images=12, most=3):
    """A COCO keypoint file: one to ``most`` persons a picture, some keypoints unlabelled, one crowd."""
    rng = np.random.default_rng(seed)
    images, annotations = [], []
    for i in range(1, num_images + 1):
        posture = POSTURES[i % len(POSTURES)]
        images.append({"id": i, "file_name": f"{i}.png", "width": 640, "height": 480, "posture": posture})
        for _ in range(rng.integers(1, most + 1)):
            box = [*rng.uniform(0, 300, 2), *rng.uniform(60, 180, 2)]
            points = rng.uniform(box[:2], np.add(box[:2], box[2:]), (17, 2))
            v = rng.choice([0, 1, 2], 17, p=[0.1, 0.2, 0.7])
            points[v == 0] = -45
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": i,
                    "category_id": 1,
                    "keypoints": np.column_stack([points, v]).ravel().tolist(),
                    "num_keypoints": int((v > 0).sum()),
                    "bbox": box,
                    "area": 0.6 * box[2] * box[3],
                    "iscrowd": 0,
                }
            )
    annotations[-1]["iscrowd"] = 1
    return {"images": images, "annotations": annotations, "categories": [person_category()]}


def noisy_results(people, seed=1, noise=0.06, drop=0.1):
    """COCO results: the annotated persons moved by a share of their box, some lost, some doubled."""
    rng = np.random.default_rng(seed)
    results = []
    for a in people["annotations"]:
        if rng.random() < drop:
            continue
        for _ in range(rng.integers(1, 3)):
            points = np.reshape(a["keypoints"], (17, 3))[:, :2]
            points = points + rng.normal(0, noise * a["bbox"][2] * rng.uniform(0.2, 2), (17, 2))
            keypoints = np.column_stack([points, rng.uniform(0.2, 1, 17)]).ravel().tolist()
            result = {"image_id": a["image_id"], "category_id": 1, "keypoints": keypoints}
            results.append({**result, "score": float(rng.uniform(0.1, 1))})
    return results
