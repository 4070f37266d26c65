#include "compiler/progress.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace calotype::compiler {

CompileProgress quantizing(const partition::Plan& plan, size_t k, double done, size_t layers) {
    size_t before = 0, all = 0;
    for (size_t i = 0; i < plan.subgraphs.size(); ++i) {
        const size_t own = plan.subgraphs[i].network.layers.size();  // none in a CPU subgraph
        before += i < k ? own : 0;
        all += own;
    }
    const size_t own = plan.subgraphs[k].network.layers.size();
    const double whole = (static_cast<double>(before) + done * static_cast<double>(own)) / static_cast<double>(all);
    // Quantizing may add layers of its own, which nobody has heard of.
    return {"quantize", whole, fmt::format("{} of {} layers", before + std::min(layers, own), all)};
}

}  // namespace calotype::compiler
