
#include "base/error.hpp"
#include "onnx/upgrade/steps.hpp"

// Upsample (to 9) and Resize 10 know scales alone and leave open where a pixel lies. ONNX Runtime, which says what FP32
// means, takes floor(y / scale) where it enlarges and ceil(y / scale) where it shrinks, and Resize since 11 can say so.

namespace calotype::onnx::upgrading {
namespace {

void to_resize(Graph& graph, NodeId id, ValueId scales, const char* nearest_mode) {
    graph::Node& node = graph.node(id);
    std::string mode = string_attribute(node, "mode", "nearest");
    if (mode == "bilinear") mode = "linear";
    node.op = "Resize";
    node.attributes["coordinate_transformation_mode"] = std::string("asymmetric");
    if (mode == "nearest") node.attributes["nearest_mode"] = std::string(nearest_mode);
    node.attributes["mode"] = mode;
    graph.set_input(id, 1, ValueId::none);  // the region of interest, of tf_crop_and_resize alone
    graph.set_input(id, 2, scales);
}

}  // namespace

void upsample(Graph& graph, NodeId id) {
    ValueId scales = graph.input(id, 1);
    const auto given = graph.node(id).attributes.find("scales");
    if (scales == ValueId::none && given != graph.node(id).attributes.end()) {
        const auto* values = std::get_if<std::vector<float>>(&given->second);
        if (values == nullptr) refuse(graph, id, "its attribute `scales` is no list of floats", "export it again");
        const std::vector<float> copy = *values;
        scales = float_constant(graph, id, "scales", {static_cast<int64_t>(copy.size())}, copy);
    }
    if (scales == ValueId::none) refuse(graph, id, "it has no scales", "export it again with opset 17");
    graph.node(id).attributes.erase("scales");
    to_resize(graph, id, scales, "floor");
}

void resize_10(Graph& graph, NodeId id) {
    const ValueId scales = graph.input(id, 1);
    if (scales == ValueId::none) refuse(graph, id, "it has no scales", "export it again with opset 17");
    bool shrinks = false, enlarges = false;
    if (graph.is_constant(scales)) {
        for (const double scale : to_doubles(*graph.value(scales).constant)) {
            shrinks |= scale < 1;
            enlarges |= scale > 1;
        }
    }
    const bool nearest = string_attribute(graph.node(id), "mode", "nearest") == "nearest";
    if (nearest && shrinks && enlarges) {
        refuse(graph, id, "it shrinks one axis and enlarges another", "export it again with opset 11 or later");
    }
    to_resize(graph, id, scales, shrinks ? "ceil" : "floor");
}

/// Before 13 the scales had to be there even where sizes are: empty then, which 13 forbids.
void resize_12(Graph& graph, NodeId id) {
    const ValueId scales = graph.input(id, 2);
    if (scales == ValueId::none || graph.input(id, 3) == ValueId::none) return;
    if (graph.value(scales).dims == Dims{0}) graph.set_input(id, 2, ValueId::none);
}

}  // namespace calotype::onnx::upgrading
