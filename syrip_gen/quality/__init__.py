"""Plausibility checks, statistics and reports of datasets."""
