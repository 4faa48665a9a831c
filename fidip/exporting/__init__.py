"""Datasets written for other tools: YOLO's layout, WebDataset's shards."""
