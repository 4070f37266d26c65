#include "compiler/mixed_batch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/elements.hpp"
#include "base/error.hpp"
#include "compiler/ports.hpp"
#include "observe/observe.hpp"

namespace calotype::compiler {
namespace {

using Values = std::map<std::string, Tensor>;

/// Two FP32 sums in another order, of the size of the largest output.
constexpr float kTolerance = 1e-3F;

/// Another sample of the same kind, where none is at hand: the elements in reverse.
Tensor reversed(const Tensor& tensor) {
    const int64_t last = tensor.elements() - 1;
    return picked(tensor, tensor.dims(), [last](int64_t i) { return last - i; });
}

Tensor behind_one_another(const Tensor& a, const Tensor& b) {
    Dims dims = a.dims();
    dims[0] += b.dims()[0];
    Tensor out(a.type(), dims);
    put(a, out, 0);
    put(b, out, a.elements());
    return out;
}

/// Whether the elements of `whole` from `first` on are those of `part`. Codes and indices may flip where numbers hardly
/// differ: only reals are compared.
bool same(const Tensor& whole, int64_t first, const Tensor& part) {
    if (whole.type() != DataType::float32) return true;
    const auto expected = part.values<float>();
    const auto found = whole.values<float>().subspan(static_cast<size_t>(first), expected.size());
    float largest = 0;
    for (const float x : expected)
        if (std::isfinite(x)) largest = std::max(largest, std::abs(x));
    return std::ranges::equal(found, expected, [&](float a, float b) {
        return a == b || (std::isnan(a) && std::isnan(b)) || std::abs(a - b) <= kTolerance * largest + 1e-6F;
    });
}

/// One result a sample, whatever the dims that hold them, or one that the second sample does not change.
bool is_of_its_samples(const Tensor& together, const Tensor& first, const Tensor& second) {
    if (together.dims() == first.dims()) return same(together, 0, first);
    return together.elements() == first.elements() + second.elements() && same(together, 0, first) &&
           same(together, first.elements(), second);
}

}  // namespace

std::vector<std::string> mixed_batch_warnings(const Front& front, const Samples& samples, int64_t count) {
    const graph::Graph& graph = front.file_graph;
    if (!of_tensors(front.graph)) return {};  // its batches are not cut
    const Values first = samples.at(0);
    Values second = samples.at(count - 1), together = first;
    bool free = false;
    for (const graph::ValueId id : graph.inputs) {
        const graph::Value& input = graph.value(id);
        const Tensor& one = first.at(input.name);
        Tensor& other = second.at(input.name);
        if (!input.dims || input.dims->empty() || input.dims->front() >= 0) {
            other = one;
            continue;
        }
        free = true;
        if (count == 1 || other.dims() != one.dims()) other = reversed(one);
        together.at(input.name) = behind_one_another(one, other);
    }
    if (!free || graph.outputs.empty()) return {};
    std::vector<std::string> names;
    for (const graph::ValueId id : graph.outputs) names.push_back(graph.value(id).name);
    const observe::Observer observer(graph, front.library, names);
    Values alone, again, other, both;
    try {
        alone = observer.run(first);
        again = observer.run(first);
        other = observer.run(second);
        both = observer.run(together);
    } catch (const Error&) {
        return {};  // whatever a network does with a batch that it was not made for
    }
    std::vector<std::string> warnings;
    for (const std::string& name : names) {
        const bool random = alone.at(name).dims() != again.at(name).dims() || !same(alone.at(name), 0, again.at(name));
        if (random || is_of_its_samples(both.at(name), alone.at(name), other.at(name))) continue;
        warnings.push_back(fmt::format(
            "output `{}`: two samples in one batch give other results in FP32 than each alone; the snapshot runs the "
            "samples of a batch one by one, as the model does in batches of 1. Where batches are meant, export the "
            "model "
            "with its batch fixed",
            name));
    }
    return warnings;
}

}  // namespace calotype::compiler
