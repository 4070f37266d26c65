// Tensors that no layer makes: the executor reads their codes among the weights.

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "emulate/executor.hpp"
#include "npu/arithmetic.hpp"
#include "npu/config.hpp"
#include "plan/plan.hpp"

namespace calotype::emulate {
namespace {

using npu::TensorId;

/// ((x + a) * b) joined to c along the channels, a, b and c being inputs.
npu::Network network_of_inputs() {
    npu::Network network;
    const auto tensor = [&](const char* name, int64_t channels, float scale, int32_t zero_point) {
        network.tensors.push_back({name, {13, 11, channels}, {{scale}, {zero_point}}});
    };
    tensor("x", 5, 0.02F, 3);
    tensor("a", 5, 0.05F, -20);
    tensor("b", 1, 0.01F, 0);
    tensor("c", 3, 0.04F, 7);
    tensor("sum", 5, 0.06F, 0);
    tensor("product", 5, 0.04F, 7);
    tensor("joined", 8, 0.04F, 7);
    const auto layer = [&](const char* name, npu::Attributes attributes, std::vector<TensorId> inputs, int output) {
        npu::Layer made;
        made.name = name;
        made.attributes = std::move(attributes);
        made.inputs = std::move(inputs);
        made.output = TensorId{output};
        network.layers.push_back(std::move(made));
    };
    const auto scale = [&](size_t t) { return network.tensors[t].quantization; };
    layer("sum", npu::Add{}, {TensorId{0}, TensorId{1}}, 4);
    network.layers.back().stage = npu::make_add(scale(0), scale(1), scale(4), npu::bounds_of({}));
    layer("product", npu::Mul{}, {TensorId{4}, TensorId{2}}, 5);
    network.layers.back().stage = npu::make_mul(scale(4), scale(2), scale(5), npu::bounds_of({}));
    layer("joined", npu::Concat{2}, {TensorId{3}, TensorId{5}}, 6);
    const auto placement = [&](int id) {
        const npu::CodeTensor& of = network.tensors[static_cast<size_t>(id)];
        return npu::Placement{TensorId{id}, of.value, {1, of.shape[2], 13, 11}, {of.shape[2], 13, 11}, {1, 2, 0}};
    };
    for (int id = 0; id < 4; ++id) network.inputs.push_back(placement(id));
    network.outputs = {placement(6)};
    return network;
}

npu::Program planned(const npu::Network& network) { return plan::plan(network, npu::find_config(npu::kDefaultConfig)); }

std::vector<int8_t> run(const npu::Network& network, const std::vector<std::vector<int8_t>>& inputs, KernelSet set,
                        ThreadPool* pool) {
    const Executor executor(network, planned(network), set);
    std::vector<int8_t> output(static_cast<size_t>(executor.elements(network.outputs[0].tensor)));
    const std::vector<std::span<const int8_t>> in(inputs.begin(), inputs.end());
    const std::vector<std::span<int8_t>> out{output};
    Arena arena;
    executor.run(in, out, arena, {pool, {}, nullptr});
    return output;
}

TEST(Constants, GiveTheBitsOfInputsWithTheirCodes) {
    npu::Network network = network_of_inputs();
    std::mt19937 random(5);
    std::vector<std::vector<int8_t>> codes;
    for (const npu::Placement& input : network.inputs) {
        codes.emplace_back(static_cast<size_t>(element_count(network.tensors[npu::index_of(input.tensor)].shape)));
        for (int8_t& code : codes.back()) code = static_cast<int8_t>(static_cast<int32_t>(random() % 256) - 128);
    }
    const auto expected = run(network, codes, KernelSet::reference, nullptr);
    for (size_t t = 1; t < 4; ++t) network.tensors[t].constant = codes[t];
    network.inputs.resize(1);
    ThreadPool three(3);
    for (const KernelSet set : {KernelSet::reference, KernelSet::avx2, KernelSet::avx512}) {
        if (!available(set)) continue;
        for (ThreadPool* pool : {static_cast<ThreadPool*>(nullptr), &three})
            EXPECT_EQ(run(network, {codes[0]}, set, pool), expected) << name_of(set);
    }
    network.tensors[1].constant[17] = static_cast<int8_t>(network.tensors[1].constant[17] ^ 64);
    EXPECT_NE(run(network, {codes[0]}, KernelSet::reference, nullptr), expected);
}

TEST(Constants, TakeNoActivationMemory) {
    npu::Network network = network_of_inputs();
    const npu::Program of_inputs = planned(network);
    for (size_t t = 1; t < 4; ++t)
        network.tensors[t].constant.resize(static_cast<size_t>(element_count(network.tensors[t].shape)));
    network.inputs.resize(1);
    const npu::Program program = planned(network);
    const auto aligned = [](int64_t bytes) { return (bytes + 63) / 64 * 64; };
    EXPECT_EQ(program.lower_bound_bytes,
              aligned(143 * 5) + aligned(143 * 8));  // the product beside what it is joined to
    EXPECT_EQ(program.arena_bytes, program.lower_bound_bytes);
    EXPECT_EQ(program.cycles, of_inputs.cycles) << "they are moved to the array all the same";
}

}  // namespace
}  // namespace calotype::emulate
