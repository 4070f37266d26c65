#pragma once

// What follows an exact sum, one value at a time: the definition that the fast kernels are compared with.

#include "npu/fixed_point.hpp"
#include "npu/layer.hpp"
#include "npu/piecewise.hpp"

namespace calotype::emulate::reference {

template <class T>
T entry(const std::vector<T>& values, int64_t channel) {
    return values[values.size() > 1 ? static_cast<size_t>(channel) : 0];
}

inline int8_t finish(const npu::OutputStage& stage, int32_t acc, int64_t channel) {
    if (const auto* q = std::get_if<npu::Requantization>(&stage))
        return npu::requantize(acc, entry(q->m, channel), entry(q->zero_point, channel), entry(q->lo, channel),
                               entry(q->hi, channel));
    const auto& table = std::get<npu::PiecewiseLinear>(stage);
    return npu::piecewise_code(table, npu::presum16(acc, entry(table.m16, channel)), channel);
}

}  // namespace calotype::emulate::reference
