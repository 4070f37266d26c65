// Constant operands: tensors that lie among the weights and that layers read as any other.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lower/builder.hpp"

namespace calotype::lower {
namespace {

/// The largest number of half precision: what networks write for infinity lies beyond it, and would take every code.
constexpr float kSentinel = 65504;

/// x, of shape `from`, repeated along the axes on which it has one element; nothing where it is no such part of `to`.
std::optional<std::vector<float>> spread(const std::vector<float>& x, Dims from, const Dims& to) {
    if (from.size() > to.size()) return std::nullopt;
    from.insert(from.begin(), to.size() - from.size(), 1);
    std::vector<int64_t> steps(to.size());
    int64_t step = 1;
    for (size_t i = to.size(); i-- > 0; step *= from[i]) {
        if (from[i] != 1 && from[i] != to[i]) return std::nullopt;
        steps[i] = from[i] == 1 ? 0 : step;
    }
    std::vector<float> all;
    all.reserve(static_cast<size_t>(element_count(to)));
    Dims at(to.size(), 0);
    for (int64_t source = 0, left = element_count(to); left > 0; --left) {
        all.push_back(x[static_cast<size_t>(source)]);
        for (size_t i = to.size(); i-- > 0;) {
            source += steps[i];
            if (++at[i] < to[i]) break;
            source -= steps[i] * to[i];
            at[i] = 0;
        }
    }
    return all;
}

/// Whether the first `size` elements come again and again.
bool repeats(const std::vector<float>& x, size_t size) {
    for (size_t i = size; i < x.size(); ++i)
        if (x[i] != x[i - size]) return false;
    return true;
}

}  // namespace

npu::TensorId Builder::hold(ValueId id, const Dims& dims, const Order& order, const Dims& shape) {
    const Dims& own = graph.value(id).constant->dims();
    auto elements = spread(*constant(id), own, dims);
    if (!elements)
        decline("NPU_BROADCAST", fmt::format("{} in `{}` for {}", to_string(own), name(id), to_string(dims)));
    const auto beyond = std::ranges::find_if(*elements, [](float x) { return !(std::abs(x) < kSentinel); });
    if (beyond != elements->end())
        decline("NPU_CONSTANT_MAP", fmt::format("`{}`, which holds {:g}", name(id), *beyond));
    const std::vector<int64_t> sources = source_positions(order);
    if (!repeats(*elements, sources.size()))
        decline("NPU_CONSTANT_MAP",
                fmt::format("`{}`, which differs among the {} samples of a batch", name(id), batch_));
    const npu::TensorId tensor = add_tensor(name(id), shape, order);
    std::vector<float>& held = network.tensors[npu::index_of(tensor)].constant;
    for (const int64_t source : sources) held.push_back((*elements)[static_cast<size_t>(source)]);
    ++changes;
    return tensor;
}

}  // namespace calotype::lower
