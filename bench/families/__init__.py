"""Networks of the classic families with random weights: how they split, and how accurate they are on the NPU."""
