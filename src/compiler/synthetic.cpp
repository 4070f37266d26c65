#include "compiler/synthetic.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "graph/linear_quantization.hpp"
#include "onnx/read.hpp"
#include "samples/samples.hpp"

namespace calotype::compiler {
namespace {

using graph::Graph;
using graph::NodeId;
using graph::ValueId;

constexpr uint64_t kSeed = 2026;

class OneSample : public Samples {
  public:
    explicit OneSample(std::map<std::string, Tensor> sample) : sample_(std::move(sample)) {}
    int64_t count() const override { return 1; }
    std::map<std::string, Tensor> at(int64_t) const override { return sample_; }
    std::string sha256() const override { return samples::sha256_of(*this); }

  private:
    std::map<std::string, Tensor> sample_;
};

struct Extent {
    double lo = 0, hi = 1;
};

/// Of the first scale that is stated of the value, or of it moved.
std::optional<Extent> stated_extent(const Graph& graph, ValueId value) {
    static const std::set<std::string_view> moves = {"Transpose", "Reshape",  "Flatten", "Squeeze",
                                                     "Unsqueeze", "Identity", "Pad"};
    for (const NodeId reader : graph.readers(value)) {
        if (const auto stated = graph::linear_quantization(graph, reader)) return Extent{stated->lo(), stated->hi()};
        const graph::Node& node = graph.node(reader);
        if (!moves.contains(node.op) || graph.input(reader, 0) != value) continue;
        if (const auto behind = stated_extent(graph, graph.output(reader))) return behind;
    }
    return std::nullopt;
}

bool any_states_scales(const Graph& graph) {
    static const std::set<std::string_view> ops = {"QuantizeLinear", "DequantizeLinear", "QLinearConv",
                                                   "QLinearMatMul"};
    return std::ranges::any_of(graph.nodes(), [&](NodeId id) { return ops.contains(graph.node(id).op); });
}

/// The file's, or the first of `shapes` that fills its free dims.
Dims dims_of(const graph::Value& input, const Shapes& shapes) {
    Dims dims = input.dims.value_or(Dims{});
    const auto fits = [&](const auto& given) {
        return given.first == input.name &&
               (!input.dims || std::equal(dims.begin(), dims.end(), given.second.begin(), given.second.end(),
                                          [](int64_t stated, int64_t size) { return stated < 0 || stated == size; }));
    };
    if (const auto given = std::ranges::find_if(shapes, fits); given != shapes.end()) return given->second;
    if (!dims.empty() && dims[0] < 0) dims[0] = 1;
    if (!input.dims || std::ranges::find(dims, -1) != dims.end())
        throw Error(
            {"SHAPE_FREE", fmt::format("input `{}`", input.name), "a dim besides the batch is free",
             fmt::format("give it by --shape {}=DIMS, or give --samples: the first one tells the shape", input.name)});
    return dims;
}

/// Codes over their whole range, reals over the stated one. The generator alone is the same on every machine.
Tensor random_tensor(const Graph& graph, ValueId id, const Shapes& shapes, std::mt19937_64& generator) {
    const graph::Value& input = graph.value(id);
    Tensor tensor(input.type.value_or(DataType::float32), dims_of(input, shapes));
    if (tensor.type() == DataType::float32) {
        const Extent extent = stated_extent(graph, id).value_or(Extent{});
        for (float& x : tensor.values<float>())
            x = static_cast<float>(extent.lo +
                                   (extent.hi - extent.lo) * static_cast<double>(generator() >> 11) * 0x1p-53);
    } else if (tensor.type() == DataType::int8 || tensor.type() == DataType::uint8) {
        for (std::byte& code : tensor.bytes()) code = static_cast<std::byte>(generator() >> 56);
    }
    return tensor;
}

}  // namespace

void sequence_without_samples(const std::string& input) {
    throw Error({"SHAPE_FREE", fmt::format("input `{}`", input),
                 "it is a sequence, whose elements the file does not tell",
                 "give --samples: the first one tells them"});
}

bool states_scales(const std::filesystem::path& model, const Limits& limits) {
    return any_states_scales(onnx::read(model, limits));
}

std::unique_ptr<Samples> synthetic_sample(const std::filesystem::path& model, const Shapes& shapes,
                                          const Limits& limits) {
    const Graph graph = onnx::read(model, limits);
    if (!any_states_scales(graph)) return nullptr;
    std::mt19937_64 generator(kSeed);
    std::map<std::string, Tensor> sample;
    for (const ValueId id : graph.inputs) {
        const auto& other = graph.value(id).other;
        if (other && is_sequence(other->kind) && !is_optional(other->kind))
            sequence_without_samples(graph.value(id).name);
        if (other) continue;
        sample.emplace(graph.value(id).name, random_tensor(graph, id, shapes, generator));
    }
    return std::make_unique<OneSample>(std::move(sample));
}

}  // namespace calotype::compiler
