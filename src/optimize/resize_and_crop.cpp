// Resize(x, nearest, to sizes that are no multiple) => Slice(Resize(x, nearest, f times), [0, size))
// where pixel i of the result is pixel floor(i / f) of x, f = ceil(size / size of x). Exact: pixels are copied. It is how
// pyramids of features meet where a side was odd: 23 rows become 45. Needs resize_by_factors.

#include <algorithm>
#include <cmath>

#include "optimize/rewrite.hpp"
#include "optimize/words.hpp"

namespace calotype::optimize {
namespace {

/// PyTorch's and most others' nearest: pixel i is pixel floor(i * in / out).
bool is_floor_of_quotient(const Node& node) {
    return graph::string_attribute(node, "mode", "nearest") == "nearest" &&
           graph::string_attribute(node, "coordinate_transformation_mode", "half_pixel") == "asymmetric" &&
           graph::string_attribute(node, "nearest_mode", "round_prefer_floor") == "floor" &&
           graph::string_attribute(node, "keep_aspect_ratio_policy", "stretch") == "stretch";
}

int64_t factor_of(int64_t in, int64_t out) { return (out + in - 1) / in; }

/// floor(i * in / out) == floor(i / f) for all i. The operator computes in float32: a quotient near a whole number may
/// fall to either side, and is left alone.
bool repeats_pixels_but_the_last(int64_t in, int64_t out) {
    const int64_t factor = factor_of(in, out);
    for (int64_t i = 0; i < out; ++i) {
        const int64_t source = i * in / out, rest = i * in % out;
        if (source != i / factor || (rest + 1 == out && out > (int64_t{1} << 20))) return false;
    }
    return true;
}

}  // namespace

Rewrite resize_and_crop(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "Resize") || !has_input(graph, id, 3) || graph.node(id).attributes.contains("axes"))
        return Rewrite::no_match();
    const ValueId x = graph.input(id, 0);
    const auto dims = known_dims(graph, x), made = known_dims(graph, graph.output(id));
    if (!dims || !made || dims->size() < 3 || dims->size() > 4 || !integers(graph, graph.input(id, 3)))
        return Rewrite::no_match();
    if (!is_floor_of_quotient(graph.node(id))) return Rewrite::declined("it does not round the quotient down");
    if ((*dims)[0] != (*made)[0] || (*dims)[1] != (*made)[1])
        return Rewrite::declined("it resizes samples or channels");
    std::vector<double> factors{1, 1};
    std::vector<int64_t> starts, ends, axes;
    Dims whole{(*dims)[0], (*dims)[1]};
    for (size_t axis = 2; axis < dims->size(); ++axis) {
        const int64_t in = (*dims)[axis], out = (*made)[axis], factor = factor_of(in, out);
        if (out < in || !repeats_pixels_but_the_last(in, out))
            return Rewrite::declined("pixels are not repeated equally often");
        factors.push_back(static_cast<double>(factor));
        whole.push_back(in * factor);
        if (whole.back() == out) continue;
        starts.push_back(0);
        ends.push_back(out);
        axes.push_back(static_cast<int64_t>(axis));
    }
    if (axes.empty()) return Rewrite::no_match();  // resize_by_factors'
    const std::string base = graph.node(id).name;
    auto attributes = graph.node(id).attributes;
    const ValueId scales = add_floats(graph, base + "/factors", {std::ssize(factors)}, factors);
    const ValueId larger =
        insert(graph, id, {"Resize", {x, ValueId::none, scales}, std::move(attributes)}, graph.value(x).type, whole);
    const ValueId first = add_integers(graph, base + "/starts", starts),
                  end = add_integers(graph, base + "/ends", ends);
    become(graph, id, {"Slice", {larger, first, end, add_integers(graph, base + "/axes", axes)}});
    return Rewrite::done();
}

}  // namespace calotype::optimize
