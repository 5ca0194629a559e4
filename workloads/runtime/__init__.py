"""The technical layer that all contexts share: nothing here knows the business."""
