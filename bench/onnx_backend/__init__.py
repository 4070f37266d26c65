"""The backend tests of the `onnx` package, each compiled and run by calotype beside ONNX Runtime."""
