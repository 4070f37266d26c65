// PRelu(x, s) => s * x + sign(1 - s) * Relu(|1 - s| * x)   for one slope s a channel
// Exact in real numbers: s x + (1 - s) x where x > 0, s x elsewhere. The product by the sign is left out where no slope
// is above 1. One slope for all channels stays: it is an activation.

#include <algorithm>
#include <cmath>

#include "optimize/rewrite.hpp"
#include "optimize/words.hpp"

namespace calotype::optimize {

Rewrite prelu_to_relu(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "PRelu")) return Rewrite::no_match();
    const ValueId x = graph.input(id, 0), slopes = graph.input(id, 1);
    const auto dims = known_dims(graph, x);
    if (!dims || !is_float32(graph, x)) return Rewrite::no_match();
    const auto slope = per_channel(graph, slopes, *dims);
    if (!slope) return Rewrite::declined("it has not one constant slope a channel");
    if (std::ranges::count(*slope, slope->front()) == std::ssize(*slope)) return Rewrite::no_match();
    std::vector<double> rest, sign;
    for (const double s : *slope) {
        rest.push_back(std::abs(1 - s));
        sign.push_back(s > 1 ? -1 : 1);
    }
    const std::string base = graph.node(id).name;
    Dims channels(dims->size(), 1);
    channels[1] = (*dims)[1];
    const auto times = [&](ValueId value, std::string_view name, const std::vector<double>& factor) {
        const ValueId constant = add_floats(graph, base + std::string(name), channels, factor);
        return insert(graph, id, {"Mul", {value, constant}}, DataType::float32, *dims);
    };
    const ValueId below = times(x, "/slope", *slope);
    ValueId above = insert(graph, id, {"Relu", {times(x, "/rest", rest)}}, DataType::float32, *dims);
    if (std::ranges::min(sign) < 0) above = times(above, "/sign", sign);
    become(graph, id, {"Add", {below, above}});
    return Rewrite::done();
}

}  // namespace calotype::optimize
