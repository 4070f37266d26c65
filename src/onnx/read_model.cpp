#include <fmt/format.h>

#include "base/limits.hpp"
#include "onnx/fields.hpp"
#include "onnx/read_parts.hpp"

namespace calotype::onnx {
namespace {

/// Counted while they are read: two bytes of a file can make one.
void check_counts(const Model& model, const Limits& limits) {
    for (const auto& [count, what] :
         {std::pair(model.nodes.size(), "nodes"), std::pair(model.initializers.size(), "initializers"),
          std::pair(model.infos.size(), "described values")})
        if (static_cast<int64_t>(count) > limits.function_nodes)
            beyond(&Limits::function_nodes, "the graph",
                   fmt::format("it has more than {} {}", limits.function_nodes, what));
    for (const auto& [count, what] :
         {std::pair(model.inputs.size(), "inputs"), std::pair(model.outputs.size(), "outputs")})
        if (count > kMostPorts) broken("the graph", fmt::format("it has more than {} {}", kMostPorts, what));
}

void read_graph(Message message, Model& model, const Origin& origin) {
    while (message.next()) {
        switch (message.tag()) {
            case field::graph::name: model.graph_name = message.text(); break;
            case field::graph::node: model.nodes.push_back(read_node(message.message("NodeProto"), origin)); break;
            case field::graph::initializer:
                model.initializers.push_back(read_tensor(message.message("TensorProto"), origin));
                break;
            case field::graph::sparse_initializer:
                broken("the graph", "it has a sparse initializer, which is not supported");
            case field::graph::input: model.inputs.push_back(read_value_info(message.message("ValueInfoProto"))); break;
            case field::graph::output:
                model.outputs.push_back(read_value_info(message.message("ValueInfoProto")));
                break;
            case field::graph::value_info:
                model.infos.push_back(read_value_info(message.message("ValueInfoProto")));
                break;
            default: message.skip();
        }
        check_counts(model, origin.limits);
    }
}

void check_ir_version(int64_t version) {
    constexpr int64_t kNewest = 14;  // of ONNX 1.23
    if (version < 0 || version > kNewest) {
        broken("the model", fmt::format("it is of IR version {}, up to {} are read", version, kNewest),
               "export it with an older version of onnx");
    }
}

}  // namespace

void read_opset(Message message, std::map<std::string, int64_t>& opsets) {
    std::string domain;
    int64_t version = 0;
    while (message.next()) {
        if (message.tag() == field::opset::domain)
            domain = message.text();
        else if (message.tag() == field::opset::version)
            version = message.integer();
        else
            message.skip();
    }
    if (domain == "ai.onnx") domain.clear();
    if (!opsets.emplace(domain, version).second) {
        broken("the model", fmt::format("it imports the domain `{}` twice", domain.empty() ? "ai.onnx" : domain));
    }
}

Model read_graph_alone(Message message) {
    Model model;
    model.has_graph = true;
    Origin checked{".", {}};
    for (const LimitRecord& record : limit_records()) checked.limits.*record.member = record.most;
    read_graph(message, model, checked);
    return model;
}

Model read_model(Message message, const Origin& origin) {
    Model model;
    while (message.next()) {
        switch (message.tag()) {
            case field::model::ir_version:
                model.ir_version = message.integer();
                check_ir_version(model.ir_version);
                break;
            case field::model::graph:
                if (model.has_graph) broken("the model", "it holds two graphs");
                model.has_graph = true;
                read_graph(message.message("GraphProto"), model, origin);
                break;
            case field::model::opset_import: read_opset(message.message("OperatorSetIdProto"), model.opsets); break;
            case field::model::functions: {
                Message function = message.message("FunctionProto");
                check_function(function, origin.limits);
                const std::string_view bytes = function.rest();
                protozero::pbf_writer(model.local_functions)
                    .add_message(field::model::functions, bytes.data(), bytes.size());
                break;
            }
            default: message.skip();
        }
    }
    check_expansion(model, origin.limits);
    expand_functions(model, origin);
    return model;
}

}  // namespace calotype::onnx
