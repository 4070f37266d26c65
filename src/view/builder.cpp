#include "view/builder.hpp"

#include <algorithm>

#include "view/functions.hpp"

namespace calotype::view {

ValueId Builder::node(const std::string& op, const std::string& name, std::vector<ValueId> inputs,
                      std::map<std::string, graph::Attribute> attributes, const std::string& value_name) {
    const std::string full_name = graph_.unused_node_name(prefix_ + name);
    graph::Node made;
    made.name = full_name;
    made.op = op;
    made.inputs = std::move(inputs);
    made.attributes = std::move(attributes);
    const ValueId output = graph_.add_value(value_name.empty() ? graph_.unused_value_name(full_name) : value_name);
    made.outputs = {output};
    graph_.add_node(std::move(made));
    return output;
}

ValueId Builder::call(const std::string& function, const std::string& name, std::vector<ValueId> inputs) {
    const ValueId output = node(function, name, std::move(inputs));
    graph_.node(graph_.producer(output)).domain = kDomain;
    return output;
}

ValueId Builder::constant(const std::string& name, Tensor content) {
    return graph_.add_constant(graph_.unused_value_name(prefix_ + name), std::move(content));
}
ValueId Builder::shared(const std::string& name, Tensor content) {
    const auto found = graph_.find_value(prefix_ + name);
    if (found && graph_.value(*found).constant == content) return *found;
    return constant(name, std::move(content));
}
ValueId Builder::floats(const std::string& name, Dims dims, const std::vector<float>& values) {
    return constant(name, Tensor::of<float>(std::move(dims), values));
}
ValueId Builder::ints(const std::string& name, const std::vector<int64_t>& values) {
    return constant(name, Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values));
}

ValueId Builder::transpose(const std::string& name, ValueId x, const std::vector<int64_t>& axes) {
    if (std::is_sorted(axes.begin(), axes.end())) return x;
    return node("Transpose", name, {x}, {{"perm", axes}});
}

ValueId Builder::reshape(const std::string& name, ValueId x, const Dims& dims) {
    std::vector<int64_t> shape{0};  // the batch stays what it is
    shape.insert(shape.end(), dims.begin(), dims.end());
    return node("Reshape", name, {x, ints(name + "/shape", shape)});
}

}  // namespace calotype::view
