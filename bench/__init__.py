"""Measurements of the product from outside: accuracy, speed, layer-wise agreement, reproducibility."""
