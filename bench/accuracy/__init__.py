"""FP32 and NPU side by side on labelled data: metric, agreement, signal-to-noise ratio."""
