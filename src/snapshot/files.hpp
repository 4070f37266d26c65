#pragma once

#include <cstdint>
#include <string>

namespace calotype::snapshot {

inline constexpr const char* kManifestFile = "manifest.json";
inline constexpr const char* kLayersFile = "layers.json";
inline constexpr const char* kWeightsFile = "weights.safetensors";
inline constexpr const char* kProgramFile = "program.bin";
inline constexpr const char* kGoldenFile = "golden.safetensors";
inline constexpr const char* kReportFile = "report.json";
inline constexpr const char* kIrizFile = "wrp_network_iriz.onnx";

// What is read of it: some 300 bytes an input or output, 60 a tensor, 49 values a layer.
inline constexpr int64_t kMostManifestBytes = 12 << 20;
inline constexpr int64_t kMostHeaderBytes = 8 << 20;  ///< of a safetensors file

/// "wrp_network_CPU_1.onnx"
inline std::string cpu_file(const std::string& subgraph) { return "wrp_network_" + subgraph + ".onnx"; }

}  // namespace calotype::snapshot
