// The generic kernels in AVX2. The target region opens after the includes: inline functions of the standard library that
// are shared between files must not carry instructions that some processors lack.

#include "emulate/kernels/fast.hpp"

#if !defined(__x86_64__)
std::unique_ptr<calotype::emulate::PreparedLayer> calotype::emulate::avx2::prepare(const LayerView&) { return nullptr; }
#else
#include <immintrin.h>

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>

#include "emulate/kernels/aligned.hpp"
#include "emulate/kernels/reference/output_stage.hpp"

#pragma GCC push_options
#pragma GCC target("avx2,fma")
#define CALOTYPE_ISA "avx2"

namespace calotype::emulate::avx2 {
namespace {

// clang-format off: each file takes what those before it define.
#include "emulate/kernels/avx2/simd.hpp"
#include "emulate/kernels/generic/tile_input.inl.hpp"
#include "emulate/kernels/avx2/tile.hpp"
#include "emulate/kernels/generic/tile.inl.hpp"
#include "emulate/kernels/generic/depthwise_tile.inl.hpp"
#include "emulate/kernels/generic/stage.inl.hpp"
#include "emulate/kernels/generic/split.inl.hpp"
#include "emulate/kernels/generic/panel.inl.hpp"
#include "emulate/kernels/generic/dense.inl.hpp"
#include "emulate/kernels/generic/depthwise_panel.inl.hpp"
#include "emulate/kernels/generic/depthwise.inl.hpp"
#include "emulate/kernels/generic/elementwise.inl.hpp"
#include "emulate/kernels/generic/average_pool.inl.hpp"
#include "emulate/kernels/generic/max_pool.inl.hpp"
#include "emulate/kernels/generic/prepare.inl.hpp"
// clang-format on

}  // namespace

std::unique_ptr<PreparedLayer> prepare(const LayerView& view) { return prepare_here(view); }

}  // namespace calotype::emulate::avx2

#pragma GCC pop_options
#endif
