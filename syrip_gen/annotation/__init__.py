"""Labels of rendered images: visibility, boxes, masks, COCO records and files."""
