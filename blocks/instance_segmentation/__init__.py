"""RF-DETR-Seg: instance segmentation and object detection with local weights."""
