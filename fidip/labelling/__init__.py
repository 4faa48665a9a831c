"""Label real photos and videos, and review synthetic data, in the browser."""
