// Nodes that only say how elements are seen: no layer, another view of the same tensor.

#include <fmt/format.h>

#include "lower/families.hpp"

namespace calotype::lower {

void lower_view(Builder& builder, NodeId id) {
    const ValueId x = builder.graph.input(id, 0), output = builder.graph.output(id);
    const Dims& dims = builder.dims(output);
    builder.alias(id, output, x, Order::identity({dims.begin() + 1, dims.end()}));
}

void lower_transpose(Builder& builder, NodeId id) {
    const ValueId x = builder.graph.input(id, 0), output = builder.graph.output(id);
    const Dims& dims = builder.dims(x);
    std::vector<int64_t> reversed;
    for (size_t i = dims.size(); i-- > 0;) reversed.push_back(static_cast<int64_t>(i));
    const auto perm = graph::ints_attribute(builder.graph.node(id), "perm", reversed);
    if (perm.size() != dims.size() || perm[0] != 0)
        builder.decline("NPU_TRANSPOSE", fmt::format("perm {}, which moves the batch", to_string(perm)));
    Order forward{{dims.begin() + 1, dims.end()}, {}};
    for (size_t i = 1; i < perm.size(); ++i) forward.axes.push_back(perm[i] - 1);
    builder.alias(id, output, x, inverse(forward));
}

}  // namespace calotype::lower
