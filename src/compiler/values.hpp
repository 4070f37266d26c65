#pragma once

#include <filesystem>
#include <optional>

#include "calotype/compile.hpp"
#include "compiler/front.hpp"
#include "execute/model.hpp"
#include "quantize/quantize.hpp"

namespace calotype::compiler {

/// What quantization is told of subgraph `index` of `model`, whose earlier subgraphs are quantized already: FP32 values
/// by ONNX Runtime, and the inputs it will really read. Throws Error SAMPLE_SHAPE for a sample of a size that the network
/// cannot have. All references must outlive the result.
quantize::Calibration calibration_of(const FrontOptions& options, const Front& front, const execute::Model& model,
                                     size_t index, const Samples& samples, int64_t count);

/// What a whole snapshot makes of the samples beside FP32.
struct SnapshotValues {
    quantize::Values exact;  ///< the values asked for
    quantize::Values found;  ///< all
};
/// `outputs` of the model are computed by its file as it stands, `inner` values by the optimized graph. Throws as
/// calibration_of does; all references must outlive the result.
SnapshotValues snapshot_values(const FrontOptions& options, const Front& front, const execute::Model& model,
                               const std::vector<std::string>& inner, const std::vector<std::string>& outputs,
                               const Samples& samples);

}  // namespace calotype::compiler
