#include "onnx/outputs_of_body.hpp"

#include <set>

namespace calotype::onnx {

void name_outputs_apart(Model& body) {
    std::set<std::string> names, given;
    for (const ValueInfo& input : body.inputs) names.insert(input.name), given.insert(input.name);
    for (const NamedTensor& initializer : body.initializers) names.insert(initializer.name);
    for (const NamedNode& node : body.nodes) names.insert(node.outputs.begin(), node.outputs.end());
    for (ValueInfo& output : body.outputs) {
        if (given.insert(output.name).second) continue;
        std::string name = output.name + "/handed_on";
        while (!names.insert(name).second) name += "_";
        NamedNode copy;
        copy.node.op = "Identity";
        copy.node.name = name;
        copy.inputs = {output.name};
        copy.outputs = {name};
        body.nodes.push_back(std::move(copy));
        output.name = std::move(name);
    }
}

}  // namespace calotype::onnx
