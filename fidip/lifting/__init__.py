"""2D keypoints to 3D poses: networks, their training, and their use on pictures and videos."""
