"""One metric a file. Each has NAME, UNIT, `score(outputs, labels)`, larger is better, and `details(outputs, fp32, labels)`:
further figures that belong to this kind of output, by name."""
