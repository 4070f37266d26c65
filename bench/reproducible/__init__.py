"""The same bytes from the same input."""
