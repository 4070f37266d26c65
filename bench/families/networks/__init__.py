"""One classic family a file, as plain PyTorch modules of our own at a small size."""
