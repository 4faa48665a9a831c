"""Time fitting and measure its error beside a plain SMPLify-X-style loop: ``python -m benchmarks.fit``.

The baseline fits the same body with the same prior one pose at a time: starts as SMPLify does (facing the
camera, and turned by 180 degrees for narrow shoulders), four stages of L-BFGS with strong Wolfe line search,
every evaluation skinning the whole mesh.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from syrip_gen.body import BodyAssets, load_body
from syrip_gen.fitting import FitBank, fit_poses, load_prior
from syrip_gen.fitting.fit import make_target
from syrip_gen.fitting.objective import BENDING_INDEX, BENDING_SIGN, Mixture
from syrip_gen.keypoints.poses import PoseSet
from syrip_gen.keypoints.readers import read_poses

LIMBS = [16, 14, 12, 11, 13, 15, 10, 8, 6, 5, 7, 9]
"""COCO indices of the first twelve joints of the weak 3D file."""
STAGES = ((404.0, 100.0), (404.0, 50.0), (57.4, 10.0), (4.78, 5.0))
"""SMPLify-X's (pose, shape) weights; here they weigh a data term in thousandths of the box diagonal."""


def aligned_mm(points: np.ndarray, truth: np.ndarray) -> float:
    """Mean distance (mm) after similarity alignment (PA-MPJPE)."""
    a, b = points - points.mean(0), truth - truth.mean(0)
    u, s, vt = np.linalg.svd(a.T @ b)
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    return 1000 * float(
        np.linalg.norm((s * sign).sum() / (a**2).sum() * a @ (u * sign) @ vt - b, axis=1).mean()
    )


def weak_errors(points: np.ndarray, names: list[str], weak: Path) -> np.ndarray:
    """Return PA-MPJPE (mm) of (N, 17, 3) keypoints against the weak 3D joints of the same files."""
    data = np.load(weak, allow_pickle=False)
    row = {str(name): i for i, name in enumerate(data["file_name"])}
    joints = data["joints3d_m"][:, :12].astype(float)
    return np.array([aligned_mm(p[LIMBS], joints[row[n]]) for p, n in zip(points, names, strict=True)])


class PlainFitter:
    """One pose at a time, L-BFGS over the skinned mesh."""

    def __init__(self, body: BodyAssets, prior: Mixture) -> None:
        from syrip_gen.body.posing import BodyModel

        self.model = BodyModel(body)
        rows = body.keypoint_regressor.tocoo()
        index = torch.from_numpy(np.stack([rows.row, rows.col]))
        self.regressor = torch.sparse_coo_tensor(index, torch.from_numpy(rows.data), rows.shape).float()
        self.means, self.whiten, self.log_weights = (
            torch.from_numpy(a).float() for a in (prior.means, prior.whiten, prior.log_weights)
        )
        self.start = self.means[int(np.argmin(np.abs(prior.means).sum(1)))]

    def keypoints(self, betas, orient, pose, transl) -> torch.Tensor:
        """Skin the mesh and regress (17, 3) keypoints."""
        posed = self.model(betas[None], orient[None], pose[None], transl[None])
        return self.regressor @ posed.vertices[0].float()

    def fit(self, keypoints: np.ndarray, image_size: np.ndarray) -> tuple[np.ndarray, float]:
        """Return (17, 3) keypoints and the mean reprojection error in box diagonals."""
        target = make_target(keypoints, image_size)
        points, weight = torch.from_numpy(target.points).float(), torch.from_numpy(target.confidence).float()
        focal = float(np.exp(target.log_focal))
        best: tuple[float, np.ndarray, float] | None = None
        narrow = np.linalg.norm(target.points[5] - target.points[6]) < 0.05
        for turn in (0.0, np.pi) if narrow else (0.0,):
            found = self._run(points, weight, focal, turn)
            if best is None or found[0] < best[0]:
                best = found
        return best[1], best[2]

    def _run(self, points, weight, focal: float, turn: float) -> tuple[float, np.ndarray, float]:
        betas, pose = torch.zeros(20), self.start.clone()
        # A half turn about x brings y-up bodies into the y-down camera; then about the vertical.
        orient = torch.tensor([np.pi * np.cos(turn / 2), 0.0, np.pi * np.sin(turn / 2)]).float()
        with torch.no_grad():
            rest = self.keypoints(betas, orient, pose, torch.zeros(3))
        torso = float((rest[5] - rest[11]).norm() + (rest[6] - rest[12]).norm())
        seen = float((points[5] - points[11]).norm() + (points[6] - points[12]).norm())
        depth = focal * torso / max(seen, 1e-3)
        center = points[[5, 6, 11, 12]].mean(0) * depth / focal
        transl = torch.cat([center, torch.tensor([depth])]) - rest[[5, 6, 11, 12]].mean(0)
        variables = [v.detach().requires_grad_(True) for v in (betas, orient, pose, transl)]
        loss = torch.zeros(())
        for stage, (pose_weight, shape_weight) in enumerate(STAGES):
            chosen = variables if stage else [variables[1], variables[3]]
            optimiser = torch.optim.LBFGS(chosen, max_iter=30, line_search_fn="strong_wolfe")

            def closure(
                optimiser=optimiser, pose_weight=pose_weight, shape_weight=shape_weight
            ) -> torch.Tensor:
                optimiser.zero_grad()
                value = self._loss(variables, points, weight, focal, pose_weight, shape_weight)
                value.backward()
                return value

            previous = np.inf
            for _ in range(4):
                loss = optimiser.step(closure)
                if not np.isfinite(float(loss)) or previous - float(loss) <= 1e-6 * abs(previous):
                    break
                previous = float(loss)
        with torch.no_grad():
            body = self.keypoints(*variables)
            pixels = focal * body[:, :2] / body[:, 2:]
            error = float((pixels - points).norm(dim=1)[weight > 0].mean())
        return float(loss), body.numpy().astype(float), error

    def _loss(self, variables, points, weight, focal, pose_weight, shape_weight) -> torch.Tensor:
        betas, _, pose, _ = variables
        body = self.keypoints(*variables)
        squared = ((1000 * (focal * body[:, :2] / body[:, 2:] - points)) ** 2).sum(1)
        data = (weight**2 * 100.0**2 * squared / (squared + 100.0**2)).sum()
        z = torch.einsum("mij,mj->mi", self.whiten, pose - self.means)
        energy = (0.5 * (z**2).sum(1) - self.log_weights).min()
        bend = torch.exp(
            2 * torch.from_numpy(BENDING_SIGN).float() * pose[torch.from_numpy(BENDING_INDEX)]
        ).sum()
        return data + pose_weight * (energy + 3.17 * bend) + shape_weight * (betas**2).sum()


def report(name: str, seconds: float, count: int, errors: np.ndarray, pa: np.ndarray | None) -> None:
    """Print one line."""
    line = (
        f"{name}: {seconds / count:.3f} s a pose ({count} poses), reprojection {100 * np.mean(errors):.2f} %"
    )
    print(line + (f", PA-MPJPE {np.mean(pa):.1f} mm" if pa is not None else ""), flush=True)


def bank_pa(bank: FitBank, weak: Path | None) -> np.ndarray | None:
    """PA-MPJPE of the accepted fits."""
    chosen = bank.accepted
    return weak_errors(bank.keypoints_3d_m[chosen], bank.file_name[chosen].tolist(), weak) if weak else None


def run_baseline(poses: PoseSet, body: BodyAssets, prior: Mixture, weak: Path | None) -> float:
    """Fit a few poses the plain way and return seconds a pose."""
    torch.set_num_threads(1)
    fitter, began = PlainFitter(body, prior), time.perf_counter()
    rows = [fitter.fit(k, s) for k, s in zip(poses.keypoints, poses.image_size, strict=True)]
    seconds = time.perf_counter() - began
    good = [i for i, row in enumerate(rows) if np.isfinite(row[1])]
    names = [poses.file_name[i] for i in good]
    pa = weak_errors(np.array([rows[i][0] for i in good]), names, weak) if weak else None
    report("plain L-BFGS, full skinning", seconds, len(rows), np.array([rows[i][1] for i in good]), pa)
    if len(good) < len(rows):
        print(f"  {len(rows) - len(good)} ended in NaN and are left out")
    return seconds / len(rows)


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    shared = Path("../shared/data")
    parser.add_argument("--poses", type=Path, default=shared / "infant_2d" / "syrip_real_383.json")
    parser.add_argument("--weak-3d", type=Path, default=shared / "infant_3d" / "syrip_weak3d_383.npz")
    parser.add_argument("--baseline", type=int, default=12, help="poses for the plain loop, 0 = none")
    parser.add_argument("--workers", type=int, default=None, help="threads (default: all processors)")
    parser.add_argument("--no-posture", action="store_true", help="ignore the postures that the file names")
    parser.add_argument("--json", type=Path, default=None, help="write the figures here")
    args = parser.parse_args()
    poses, body, prior = read_poses(args.poses), load_body("infant"), load_prior("infant")
    if args.no_posture:
        import dataclasses

        poses = dataclasses.replace(poses, posture=("",) * len(poses))
    weak = args.weak_3d if args.weak_3d.is_file() and "syrip" in args.poses.name else None
    began = time.perf_counter()
    fit_poses(poses.select(slice(0, 1)), body, prior, workers=1)
    print(
        f"first pose, compilation and preparation included: {time.perf_counter() - began:.1f} s", flush=True
    )
    began, cpu = time.perf_counter(), time.process_time()
    bank = fit_poses(poses, body, prior, workers=args.workers)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    pa, chosen = bank_pa(bank, weak), bank.accepted
    report("syrip", seconds, len(bank), bank.reprojection_error[chosen], pa)
    print(
        f"  processor time {cpu / len(bank):.3f} s a pose; "
        f"accepted {100 * chosen.mean():.1f} %: {bank.reasons()}"
    )
    figures = {
        "seconds_a_pose": seconds / len(bank),
        "cpu_seconds_a_pose": cpu / len(bank),
        "accepted": chosen.mean(),
        "reprojection": bank.reprojection_error[chosen].mean(),
        "pa_mpjpe_mm": None if pa is None else pa.mean(),
    }  # fmt: skip
    if args.baseline:
        picked = np.linspace(0, len(poses) - 1, args.baseline).astype(int)
        plain = run_baseline(poses.select(picked), body, prior, weak)
        figures["ratio"] = plain * len(bank) / seconds
        print(f"ratio: {figures['ratio']:.0f} times as fast")
    if args.json:
        args.json.write_text(
            json.dumps({k: None if v is None else float(v) for k, v in figures.items()}) + "\n"
        )


if __name__ == "__main__":
    main()
