#pragma once

// A ModelProto as it stands in the file: names, not yet ids.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "graph/graph.hpp"

namespace calotype::onnx {

struct NamedTensor {
    std::string name;
    Tensor tensor;
};

/// A NodeProto; `node` has neither inputs nor outputs yet.
struct NamedNode {
    graph::Node node;
    std::vector<std::string> inputs, outputs;
    std::string overload{};  ///< of the function it calls
};

/// A ValueInfoProto. One of a map, say, has neither `type` nor `other`.
struct ValueInfo {
    std::string name;
    std::optional<DataType> type;
    std::optional<Dims> dims;
    std::vector<std::string> symbols;
    std::optional<graph::OtherType> other{};
};

struct Model {
    std::string graph_name;
    std::vector<NamedNode> nodes;
    std::vector<NamedTensor> initializers;
    std::vector<ValueInfo> inputs, outputs, infos;
    std::map<std::string, int64_t> opsets;  ///< domain -> version; "" is ai.onnx
    std::string local_functions;            ///< concatenated FunctionProto fields
    int64_t ir_version = 0;
    bool has_graph = false;
};

}  // namespace calotype::onnx
