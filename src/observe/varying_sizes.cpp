#include "observe/varying_sizes.hpp"

#include <algorithm>
#include <map>
#include <string_view>

namespace calotype::observe {
namespace {

using graph::Graph;
using graph::Node;
using graph::NodeId;
using graph::ValueId;

/// Sizes of results hang on the contents of the first input, whatever the others are.
bool sizes_by_content(std::string_view op) {
    static const std::set<std::string_view> ops = {"Compress", "NonMaxSuppression", "NonZero", "StringSplit", "Unique"};
    return ops.contains(op);
}

/// Inputs whose contents are sizes, or places of elements that may differ in size (ONNX's operators to opset 28).
std::vector<size_t> inputs_that_tell_sizes(std::string_view op) {
    static const std::map<std::string_view, std::vector<size_t>> inputs = {{"AffineGrid", {1}},
                                                                           {"BlackmanWindow", {0}},
                                                                           {"CenterCropPad", {1}},
                                                                           {"Col2Im", {1, 2}},
                                                                           {"ConstantOfShape", {0}},
                                                                           {"DFT", {1}},
                                                                           {"Expand", {1}},
                                                                           {"HammingWindow", {0}},
                                                                           {"HannWindow", {0}},
                                                                           {"If", {0}},
                                                                           {"MaxUnpool", {2}},
                                                                           {"MelWeightMatrix", {0, 1}},
                                                                           {"OneHot", {1}},
                                                                           {"Pad", {1, 3}},
                                                                           {"Range", {0, 1, 2}},
                                                                           {"Reshape", {1}},
                                                                           {"Resize", {2, 3}},
                                                                           {"SequenceAt", {1}},
                                                                           {"SequenceErase", {1}},
                                                                           {"SequenceInsert", {2}},
                                                                           {"Slice", {1, 2, 3, 4}},
                                                                           {"Split", {1}},
                                                                           {"SplitToSequence", {1}},
                                                                           {"Squeeze", {1}},
                                                                           {"STFT", {1, 3}},
                                                                           {"Tile", {1}},
                                                                           {"TopK", {1}},
                                                                           {"Unsqueeze", {1}},
                                                                           {"Upsample", {1}}};
    if (op.starts_with("Reduce")) return {1};
    const auto found = inputs.find(op);
    return found == inputs.end() ? std::vector<size_t>{} : found->second;
}

bool holds_sizes_by_content(const Node& node) {
    return std::ranges::any_of(node.attributes, [](const auto& attribute) {
        const auto* body = std::get_if<graph::OpaqueGraph>(&attribute.second);
        return body != nullptr && std::ranges::any_of(body->operators, sizes_by_content);
    });
}

class Follower {
  public:
    Follower(const Graph& graph, const std::vector<ort::Info>& outputs) : graph_(graph) {
        // ONNX Runtime gives no dims of a value whose rank it cannot infer, as of a scalar.
        for (const ort::Info& output : outputs)
            if (output.is_tensor() && !output.dims.empty() &&
                std::ranges::none_of(output.dims, [](int64_t dim) { return dim < 0; }))
                known_.insert(output.name);
        for (const ValueId id : graph.inputs)
            if (graph.value(id).other) found_.varying.insert(id);
    }

    Followed run() {
        for (const NodeId id : graph_.nodes()) {
            const Node& node = graph_.node(id);
            const bool fixed = is_fixed(node), varies = !fixed && sizes_vary(node);
            for (const ValueId out : node.outputs) {
                if (out == ValueId::none) continue;
                if (fixed) found_.fixed.insert(out);
                if (varies && !known_.contains(graph_.value(out).name)) found_.varying.insert(out);
            }
        }
        return std::move(found_);
    }

  private:
    bool is_fixed(ValueId id) const {
        return id == ValueId::none || graph_.is_constant(id) || found_.fixed.contains(id);
    }
    std::vector<ValueId> read_by(const Node& node) const {
        std::vector<ValueId> all = node.inputs;
        for (const std::string& name : graph::captured_names(node)) all.push_back(graph_.find_value(name).value());
        return all;
    }
    /// Whether its outputs are the same for every content of the inputs, given their shapes.
    bool is_fixed(const Node& node) const {
        if (graph::is_random(node)) return false;
        if (node.domain.empty() && (node.op == "Shape" || node.op == "Size"))
            return !found_.varying.contains(node.inputs.at(0));
        return std::ranges::all_of(read_by(node), [&](ValueId id) { return is_fixed(id); });
    }
    bool sizes_vary(const Node& node) const {
        if (std::ranges::any_of(read_by(node), [&](ValueId id) { return found_.varying.contains(id); })) return true;
        if (!node.domain.empty()) return false;
        if (sizes_by_content(node.op) || holds_sizes_by_content(node)) return true;
        return std::ranges::any_of(inputs_that_tell_sizes(node.op), [&](size_t input) {
            return input < node.inputs.size() && !is_fixed(node.inputs[input]);
        });
    }

    const Graph& graph_;
    std::set<std::string, std::less<>> known_;  // values of sizes that ONNX Runtime knows
    Followed found_;
};

}  // namespace

Followed follow_sizes(const Graph& graph, const std::vector<ort::Info>& outputs) {
    return Follower(graph, outputs).run();
}

}  // namespace calotype::observe
