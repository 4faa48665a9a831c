"""One-Euro filter over the keypoints of a video (Casiez, Roussel and Vogel, CHI 2012).

A first-order low-pass filter whose cutoff rises with the speed: a still infant's keypoints are averaged over
many frames, a kicking leg is followed with little lag.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["OneEuroFilter"]

MIN_STEP_S = 1e-3
"""Shorter steps between frames (equal time stamps) count as this long."""


class OneEuroFilter:
    """Smooths points (..., 2) frame by frame; every point has a cutoff of its own.

    Against the paper: a point's speed is the length of its velocity, so that the result does not depend on
    how the camera is held; lengths are in units of the person's size, so that ``beta`` means the same in
    every video; and a point that the network doubts moves the average less (its share is multiplied by its
    confidence), so that a hidden hand does not jump about.
    """

    def __init__(
        self,
        *,
        min_cutoff_hz: float = 0.8,
        beta: float = 15.0,
        derivative_cutoff_hz: float = 2.0,
        full_confidence: float = 0.5,
    ) -> None:
        """Set the filter up.

        Args:
            min_cutoff_hz: Cutoff of a point at rest; lower is smoother.
            beta: Rise of the cutoff with the speed, Hz per person size a second; higher lags less.
            derivative_cutoff_hz: Cutoff of the speed itself.
            full_confidence: Points with at least this score are trusted fully.
        """
        for name, value in (
            ("min_cutoff_hz", min_cutoff_hz),
            ("derivative_cutoff_hz", derivative_cutoff_hz),
            ("full_confidence", full_confidence),
        ):
            if not value > 0:
                raise ValueError(f"{name} must be above 0, got {value}")
        if not beta >= 0:
            raise ValueError(f"beta must not be negative, got {beta}")
        self.min_cutoff_hz, self.beta = min_cutoff_hz, beta
        self.derivative_cutoff_hz, self.full_confidence = derivative_cutoff_hz, full_confidence
        self.reset()

    def reset(self) -> None:
        """Forget everything; the next frame is taken as it is."""
        self._points: np.ndarray | None = None
        self._velocity: np.ndarray | None = None
        self._time_s = -math.inf

    def __call__(
        self, points: ArrayLike, time_s: float, *, size: float = 1.0, scores: ArrayLike | None = None
    ) -> np.ndarray:
        """Take the points of the next frame and return them smoothed.

        Args:
            points: (..., 2) px, the same shape in every frame.
            time_s: Time of the frame, seconds; frames may be unevenly spaced.
            size: Size of the person in px, such as the diagonal of its box.
            scores: (...) confidence 0..1 of each point; None trusts all.

        Raises:
            ValueError: If the shape changes, or a value or the size is not a finite number.
        """
        points = np.asarray(points, np.float64)
        if not (np.isfinite(points).all() and math.isfinite(size) and size > 0):
            raise ValueError("points to smooth must be finite, and the person's size above 0")
        if self._points is None or self._velocity is None:
            self._points, self._velocity, self._time_s = points, np.zeros_like(points), time_s
            return points
        if points.shape != self._points.shape:
            raise ValueError(f"expected points of shape {self._points.shape} as before, got {points.shape}")
        step_s = max(time_s - self._time_s, MIN_STEP_S)
        trust = np.ones(points.shape[:-1]) if scores is None else np.asarray(scores, np.float64)
        trust = np.clip(trust / self.full_confidence, 0, 1)[..., None]
        difference = points - self._points
        share = trust * _share(self.derivative_cutoff_hz, step_s)
        self._velocity = self._velocity + share * (difference / (step_s * size) - self._velocity)
        speed = np.linalg.norm(self._velocity, axis=-1, keepdims=True)
        cutoff_hz = self.min_cutoff_hz + self.beta * speed
        self._points = self._points + trust * _share(cutoff_hz, step_s) * difference
        self._time_s = max(time_s, self._time_s)
        return self._points


def _share(cutoff_hz: "np.ndarray | float", step_s: float) -> "np.ndarray | float":
    """Return the share of the new value in a first-order low-pass filter (eq. 3 and 4 of the paper)."""
    turns = 2 * math.pi * cutoff_hz * step_s
    return turns / (turns + 1)
