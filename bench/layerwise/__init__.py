"""Does wrp_network_iriz.onnx compute, layer by layer, what the emulator computes?"""
