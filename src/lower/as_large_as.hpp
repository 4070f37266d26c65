#pragma once

#include "npu/layer.hpp"

namespace calotype::lower {

/// Where one pixel of every map (a globally pooled one) is spread over another map, with which it is joined, added or
/// multiplied, the Upsample is as large as that one at every height and width, not so many times as large as at the
/// network's own.
void spread_as_large_as_met(npu::FloatNetwork& network);

/// The first tensor that `map`, or what keeps its height and width, is joined, added or multiplied with, and that does not
/// follow from it; none where there is none.
npu::TensorId met_by(const npu::FloatNetwork& network, npu::TensorId map);
/// What the other Upsamples of one pixel make.
std::vector<npu::TensorId> spread_by_factors(const npu::FloatNetwork& network);
/// One of them becomes as large as `like`, unless that follows from it or has another size.
void spread_as_large_as(npu::FloatNetwork& network, npu::TensorId made, npu::TensorId like);

}  // namespace calotype::lower
