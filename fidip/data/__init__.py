"""Crops, targets and batches from COCO files."""
