// What must hold between a graph's values, nodes and their order.
#include <fmt/format.h>

#include <set>

#include "base/error.hpp"
#include "graph/graph.hpp"
#include "graph/ids.hpp"

namespace calotype::graph {

void Graph::validate() const {
    std::set<ValueId> made(inputs.begin(), inputs.end());
    const auto check = [&](ValueId id, std::string_view reader) {
        CALOTYPE_ASSERT(is_constant(id) || made.contains(id),
                        fmt::format("`{}`, read by `{}`, is made before", value(id).name, reader));
    };
    for (const NodeId id : nodes()) {
        const Node& one = node(id);
        for (const ValueId in : one.inputs) {
            if (in == ValueId::none) continue;
            check(in, one.name);
            CALOTYPE_ASSERT(readers_[at(in)].contains(id), fmt::format("`{}` is known to read its inputs", one.name));
        }
        for (const ValueId out : one.outputs) {
            if (out == ValueId::none) continue;
            CALOTYPE_ASSERT(producer(out) == id, fmt::format("`{}` is the one producer of its outputs", one.name));
            made.insert(out);
        }
    }
    for (const ValueId out : outputs) check(out, "the graph's outputs");
}

}  // namespace calotype::graph
