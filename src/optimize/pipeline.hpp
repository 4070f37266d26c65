#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "optimize/rewrite.hpp"

namespace calotype::optimize {

struct Entry {
    std::string_view name;
    std::function<Rewrite(Graph&, NodeId)> function;
    std::string_view why_here;
};

/// All rewrites, in order: each works on a graph in which those before it have nothing left to do.
std::vector<Entry> pipeline(const Evaluate& evaluate);

}  // namespace calotype::optimize
