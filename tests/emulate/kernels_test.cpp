// Every kernel set against the reference, bit for bit, over random layers.
// Replay a failure: CALOTYPE_CASE=conv:17:1 emulate_tests --gtest_filter='*OneCase*'

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <sstream>

#include "base/error.hpp"
#include "emulate/prepared_layer.hpp"
#include "random_layer.hpp"

namespace calotype::emulate {
namespace {

constexpr uint32_t kCases = 1000;

/// Before a page that nobody may touch: a kernel that reads past its scratch ends the test.
class Scratch {
  public:
    explicit Scratch(size_t bytes) : size_bytes_((bytes + 63) / 64 * 64) {
        const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
        pages_bytes_ = (size_bytes_ + page - 1) / page * page;
        void* begin = ::mmap(nullptr, pages_bytes_ + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (begin == MAP_FAILED) throw std::bad_alloc();
        begin_ = static_cast<std::byte*>(begin);
        ::mprotect(begin_ + pages_bytes_, page, PROT_NONE);
        std::fill_n(begin_, pages_bytes_, std::byte{0x5A});
    }
    ~Scratch() { ::munmap(begin_, pages_bytes_ + static_cast<size_t>(::sysconf(_SC_PAGESIZE))); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    std::span<std::byte> span() { return {begin_ + pages_bytes_ - size_bytes_, size_bytes_}; }

  private:
    std::byte* begin_ = nullptr;
    size_t size_bytes_, pages_bytes_ = 0;
};

std::vector<int8_t> run(const LayerCase& c, KernelSet set, ThreadPool* pool) {
    const auto layer = prepare(c.network, 0, c.shapes, set);
    Scratch scratch(layer->scratch_bytes(pool != nullptr ? pool->threads() : 1));
    // A guard behind the output: a kernel that writes past its end is seen.
    const auto elements = static_cast<size_t>(element_count(c.shapes.back()));
    std::vector<int8_t> y(elements + 64, int8_t{77});
    std::vector<const int8_t*> inputs;
    for (const auto& codes : c.inputs) inputs.push_back(codes.data());
    layer->run(inputs, y.data(), scratch.span(), pool);
    for (size_t i = elements; i < y.size(); ++i) EXPECT_EQ(y[i], 77) << layer->kernel() << " wrote past its output";
    y.resize(elements);
    return y;
}

/// First difference as text, or nothing.
std::string difference(const std::vector<int8_t>& expected, const std::vector<int8_t>& got) {
    if (expected.size() != got.size()) return fmt::format("{} codes, not {}", got.size(), expected.size());
    for (size_t i = 0; i < got.size(); ++i)
        if (expected[i] != got[i]) return fmt::format("code {} is {}, not {}", i, got[i], expected[i]);
    return "";
}

void check(const std::string& kind, uint32_t seed, int64_t grow, KernelSet set,
           std::initializer_list<ThreadPool*> pools) {
    const LayerCase c = random_layer(kind, seed, grow);
    const std::vector<int8_t> expected = run(c, KernelSet::reference, nullptr);
    for (ThreadPool* pool : pools)
        ASSERT_EQ(difference(expected, run(c, set, pool)), "")
            << fmt::format("replay: CALOTYPE_CASE={}:{}:{} ({}, {} threads,{})", kind, seed, grow, name_of(set),
                           pool != nullptr ? pool->threads() : 1, c.text);
}

/// 3x3 over a map of 8x8, padded so that it keeps its size.
LayerCase dilated_conv(int64_t dilation) {
    npu::Conv conv{4, 4, 1, {}};
    conv.window.height = conv.window.width = {3, 1, dilation, dilation, dilation};
    const Dims shape{8, 8, 4};
    LayerCase c;
    c.network.tensors = {{"x", shape, {{0.1F}, {3}}}, {"y", shape, {{0.1F}, {0}}}};
    c.shapes = {shape, shape};
    npu::Layer layer;
    layer.attributes = conv;
    layer.inputs = {npu::TensorId{0}};
    layer.output = npu::TensorId{1};
    layer.stage = npu::Requantization{{0.01F}, {0}, {-128}, {127}};
    layer.bias.assign(4, 100);
    for (int i = 0; i < 4 * 9 * 4; ++i) layer.weights.push_back(static_cast<int8_t>(i * 37 % 255 - 127));
    c.network.layers.push_back(std::move(layer));
    c.inputs.emplace_back();
    for (int i = 0; i < 8 * 8 * 4; ++i) c.inputs[0].push_back(static_cast<int8_t>(i * 91 % 256 - 128));
    return c;
}

using SetAndKind = std::tuple<KernelSet, std::string>;
class Kernels : public testing::TestWithParam<SetAndKind> {};

TEST_P(Kernels, GiveTheBitsOfTheReference) {
    const auto& [set, kind] = GetParam();
    if (!available(set)) GTEST_SKIP() << "skipped: this processor has no " << name_of(set);
    for (uint32_t seed = 0; seed < kCases && !HasFatalFailure(); ++seed) check(kind, seed, 1, set, {nullptr});
}

TEST_P(Kernels, GiveTheSameBitsWhateverTheThreads) {
    const auto& [set, kind] = GetParam();
    if (!available(set)) GTEST_SKIP() << "skipped: this processor has no " << name_of(set);
    ThreadPool two(2), three(3);
    constexpr int64_t kGrow = 10;  // most layers are then large enough to be split
    for (uint32_t seed = kCases; seed < kCases + 6 && !HasFatalFailure(); ++seed)
        check(kind, seed, kGrow, set, {&two, &three});
}

INSTANTIATE_TEST_SUITE_P(All, Kernels,
                         testing::Combine(testing::Values(KernelSet::avx2, KernelSet::avx512),
                                          testing::ValuesIn(layer_kinds())),
                         [](const auto& info) {
                             return std::string(name_of(std::get<0>(info.param))) + "_" + std::get<1>(info.param);
                         });

/// The case that a failure above prints; without one, the first.
TEST(Kernels, OneCase) {
    const char* text = std::getenv("CALOTYPE_CASE");
    std::istringstream line(text != nullptr ? text : layer_kinds().front() + ":0:1");
    std::string kind, seed, grow;
    std::getline(std::getline(std::getline(line, kind, ':'), seed, ':'), grow);
    ThreadPool three(3);
    for (const KernelSet set : {KernelSet::avx2, KernelSet::avx512})
        if (available(set))
            check(kind, static_cast<uint32_t>(std::stoul(seed)), std::stol(grow), set, {nullptr, &three});
}

TEST(Kernels, TheComparisonSeesOneWrongCode) {
    const LayerCase c = random_layer("conv", 1);
    const auto y = run(c, KernelSet::reference, nullptr);
    auto wrong = y;
    wrong.back() = static_cast<int8_t>(wrong.back() ^ 1);
    EXPECT_NE(difference(y, wrong), "");
    wrong.pop_back();
    EXPECT_NE(difference(y, wrong), "");
    EXPECT_EQ(difference(y, y), "");
}

TEST(Kernels, ConvolutionsWhoseDilationDwarfsTheMapAreLeftToTheReference) {
    for (const int64_t dilation : {2, 100000})
        for (const KernelSet set : {KernelSet::avx2, KernelSet::avx512}) {
            if (!available(set)) continue;
            const LayerCase c = dilated_conv(dilation);
            const auto layer = prepare(c.network, 0, c.shapes, set);
            EXPECT_EQ(layer->kernel() == "reference", dilation == 100000) << layer->kernel();
            EXPECT_LT(layer->scratch_bytes(1), size_t{1} << 20);
            EXPECT_EQ(difference(run(c, KernelSet::reference, nullptr), run(c, set, nullptr)), "");
        }
}

TEST(Kernels, AForcedSetThatIsMissingIsRefused) {
    for (const KernelSet set : {KernelSet::avx2, KernelSet::avx512}) {
        if (available(set)) {
            EXPECT_EQ(resolve(set), set);
            continue;
        }
        try {
            resolve(set);
            FAIL() << "resolved a missing set";
        } catch (const Error& e) {
            EXPECT_EQ(e.text().code, "KERNELS_UNAVAILABLE");
        }
    }
    EXPECT_THROW(kernel_set("avx3"), Error);
    EXPECT_EQ(kernel_set("reference"), KernelSet::reference);
}

}  // namespace
}  // namespace calotype::emulate
