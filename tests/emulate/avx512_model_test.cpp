// The AVX-512 kernels' source over a scalar model of its intrinsics, against the reference, bit for bit: their logic is
// tested on every processor. kernels_test.cpp runs the real ones where there is AVX-512.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <type_traits>
#include <utility>

#include "avx512_model.hpp"
#include "emulate/kernels/aligned.hpp"
#include "emulate/kernels/reference/output_stage.hpp"
#include "emulate/kernels/reference/reference.hpp"
#include "random_layer.hpp"

#define CALOTYPE_ISA "avx512 model"

namespace calotype::emulate::avx512_model {
namespace {

// clang-format off: each file takes what those before it define.
#include "emulate/kernels/avx512/simd.hpp"
#include "emulate/kernels/generic/tile_input.inl.hpp"
#include "avx512_model_tile.hpp"
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

class Avx512Model : public testing::TestWithParam<std::string> {};

std::vector<int8_t> run(const PreparedLayer& layer, const LayerCase& c) {
    std::vector<std::byte> storage(layer.scratch_bytes(1) + 64);
    const auto at = reinterpret_cast<uintptr_t>(storage.data());
    std::vector<const int8_t*> inputs;
    for (const auto& codes : c.inputs) inputs.push_back(codes.data());
    std::vector<int8_t> y(static_cast<size_t>(element_count(c.shapes.back())));
    layer.run(inputs, y.data(), std::span(storage).subspan((64 - at % 64) % 64), nullptr);
    return y;
}

TEST_P(Avx512Model, GivesTheBitsOfTheReference) {
    for (uint32_t seed = 0; seed < 150; ++seed) {
        const LayerCase c = random_layer(GetParam(), seed);
        const LayerView view = view_layer(c.network, 0, c.shapes);
        const auto layer = prepare_here(view);
        if (!layer) continue;  // left to the reference
        ASSERT_EQ(run(*layer, c), run(*reference::prepare(view), c)) << GetParam() << ":" << seed << c.text;
    }
}

INSTANTIATE_TEST_SUITE_P(All, Avx512Model, testing::ValuesIn(layer_kinds()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace calotype::emulate::avx512_model
