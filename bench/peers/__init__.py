"""Milliseconds of each network beside ONNX Runtime, one thread, interleaved."""
