// Time of single layers: `kernels_bench [auto|avx2|avx512|reference] [threads]`. Best of many runs, because shared
// machines disturb the mean; GMAC/s counts products of the layer, not padding. The share is of what the same number of
// cores reaches on dot products of registers, measured in the same run.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "base/cpu.hpp"
#include "dot_limit.hpp"
#include "emulate/executor.hpp"
#include "npu/arithmetic.hpp"

namespace calotype::emulate {
namespace {

struct Problem {
    const char* network;
    int64_t size, in, out, kernel, stride;
    bool depthwise;
    int64_t count;  // how often the network has it
};

// ResNet-56 for CIFAR-10 and EfficientNet-Lite0 at 224 x 224.
constexpr Problem kProblems[] = {
    {"resnet56", 32, 3, 16, 3, 1, false, 1},         {"resnet56", 32, 16, 16, 3, 1, false, 18},
    {"resnet56", 32, 16, 32, 3, 2, false, 1},        {"resnet56", 16, 32, 32, 3, 1, false, 17},
    {"resnet56", 16, 32, 64, 3, 2, false, 1},        {"resnet56", 8, 64, 64, 3, 1, false, 17},
    {"efficientnet", 224, 3, 32, 3, 2, false, 1},    {"efficientnet", 112, 32, 32, 3, 1, true, 1},
    {"efficientnet", 112, 32, 16, 1, 1, false, 1},   {"efficientnet", 112, 16, 96, 1, 1, false, 1},
    {"efficientnet", 112, 96, 96, 3, 2, true, 1},    {"efficientnet", 56, 96, 24, 1, 1, false, 1},
    {"efficientnet", 56, 24, 144, 1, 1, false, 2},   {"efficientnet", 56, 144, 144, 3, 1, true, 1},
    {"efficientnet", 56, 144, 24, 1, 1, false, 1},   {"efficientnet", 56, 144, 144, 5, 2, true, 1},
    {"efficientnet", 28, 144, 40, 1, 1, false, 1},   {"efficientnet", 28, 40, 240, 1, 1, false, 2},
    {"efficientnet", 28, 240, 240, 5, 1, true, 1},   {"efficientnet", 28, 240, 40, 1, 1, false, 1},
    {"efficientnet", 28, 240, 240, 3, 2, true, 1},   {"efficientnet", 14, 240, 80, 1, 1, false, 1},
    {"efficientnet", 14, 80, 480, 1, 1, false, 3},   {"efficientnet", 14, 480, 480, 3, 1, true, 2},
    {"efficientnet", 14, 480, 80, 1, 1, false, 2},   {"efficientnet", 14, 480, 480, 5, 1, true, 1},
    {"efficientnet", 14, 480, 112, 1, 1, false, 1},  {"efficientnet", 14, 112, 672, 1, 1, false, 3},
    {"efficientnet", 14, 672, 672, 5, 1, true, 2},   {"efficientnet", 14, 672, 112, 1, 1, false, 2},
    {"efficientnet", 14, 672, 672, 5, 2, true, 1},   {"efficientnet", 7, 672, 192, 1, 1, false, 1},
    {"efficientnet", 7, 192, 1152, 1, 1, false, 4},  {"efficientnet", 7, 1152, 1152, 5, 1, true, 3},
    {"efficientnet", 7, 1152, 192, 1, 1, false, 3},  {"efficientnet", 7, 1152, 1152, 3, 1, true, 1},
    {"efficientnet", 7, 1152, 320, 1, 1, false, 1},  {"efficientnet", 7, 320, 1280, 1, 1, false, 1},
    {"efficientnet", 1, 1280, 1000, 1, 1, false, 1},
};

npu::Network network_of(const Problem& p) {
    npu::Conv conv;
    conv.in_channels = p.in;
    conv.out_channels = p.out;
    conv.groups = p.depthwise ? p.in : 1;
    conv.window.height = conv.window.width = {p.kernel, p.stride, 1, p.kernel / 2, p.kernel / 2};
    npu::Network network;
    network.tensors.push_back({"x", {p.size, p.size, p.in}, {{0.1F}, {-3}}});
    npu::Layer layer;
    layer.attributes = conv;
    layer.inputs = {npu::TensorId{0}};
    layer.output = npu::TensorId{1};
    const int64_t k = p.kernel * p.kernel * p.in / conv.groups;
    for (int64_t i = 0; i < p.out * k; ++i) layer.weights.push_back(static_cast<int8_t>(i * 37 % 255 - 127));
    layer.bias.assign(static_cast<size_t>(p.out), 1000);
    npu::Requantization stage;
    stage.m.assign(static_cast<size_t>(p.out), 0.001F);
    stage.zero_point = {-128};
    stage.lo = {-128};
    stage.hi = {127};
    layer.stage = stage;
    const Dims shape = npu::output_shape(conv, {network.tensors[0].shape}, {});
    network.tensors.push_back({"y", shape, {{0.1F}, {-128}}});
    network.layers.push_back(std::move(layer));
    return network;
}

double best_us(const PreparedLayer& layer, const npu::Network& network, ThreadPool* pool, int threads) {
    std::vector<int8_t> x(static_cast<size_t>(element_count(network.tensors[0].shape)), 5);
    std::vector<int8_t> y(static_cast<size_t>(element_count(network.tensors[1].shape)));
    Arena arena;
    const auto scratch = arena.take(layer.scratch_bytes(threads) + 64);
    const int8_t* inputs[] = {x.data()};
    double best = 1e9;
    for (int i = 0; i < 200; ++i) {
        const auto start = std::chrono::steady_clock::now();
        layer.run(inputs, y.data(), scratch, pool);
        const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
        best = std::min(best, took.count());
    }
    return best;
}

void measure(KernelSet set, int threads) {
    ThreadPool pool(threads);
    const double limit = dot_limit_gmacs(set) * threads;
    const auto speed = [&](double macs, double us) {
        const double gmacs = macs / us / 1e3;
        return limit > 0 ? fmt::format("{:6.1f} GMAC/s {:3.0f} %", gmacs, gmacs / limit * 100)
                         : fmt::format("{:6.1f} GMAC/s", gmacs);
    };
    fmt::print("{}, kernels {}, {} thread(s), registers alone {:.1f} GMAC/s\n", cpu::isa_name(), name_of(resolve(set)),
               threads, limit);
    std::string network;
    double total_us = 0, total_macs = 0;
    const auto sum = [&] {
        if (!network.empty()) fmt::print("{:13} {:9.3f} ms {}\n", network, total_us / 1e3, speed(total_macs, total_us));
        total_us = total_macs = 0;
    };
    for (const Problem& p : kProblems) {
        if (network != p.network) sum();
        network = p.network;
        const npu::Network one = network_of(p);
        const auto layer = prepare(one, 0, {one.tensors[0].shape, one.tensors[1].shape}, set);
        const double us = best_us(*layer, one, threads > 1 ? &pool : nullptr, threads);
        const auto macs = static_cast<double>(npu::macs(one.layers[0].attributes, one.tensors[1].shape));
        fmt::print("  {:3} x{:3} {:4} -> {:4} {}x{}/{} {:14} {:2} x {:8.1f} us {}\n", p.size, p.size, p.in, p.out,
                   p.kernel, p.kernel, p.stride, layer->kernel(), p.count, us, speed(macs, us));
        total_us += us * static_cast<double>(p.count);
        total_macs += macs * static_cast<double>(p.count);
    }
    sum();
}

}  // namespace
}  // namespace calotype::emulate

int main(int argc, char** argv) {
    using namespace calotype::emulate;
    measure(kernel_set(argc > 1 ? argv[1] : "auto"), argc > 2 ? std::atoi(argv[2]) : 1);
}
