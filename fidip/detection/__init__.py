"""Find infants in pictures: Faster R-CNN with two classes, and MoveNet MultiPose as it ships."""
