// The networks of the shared data: what is read, upgraded, written and made concrete computes what the file computes.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <random>

#include "base/file.hpp"
#include "observe/observe.hpp"
#include "onnx/read.hpp"
#include "onnx/write.hpp"

namespace calotype {
namespace {

namespace fs = std::filesystem;
using Arrays = std::map<std::string, Tensor>;

fs::path data_folder() {
    const char* named = std::getenv("CALOTYPE_DATA");
    return named != nullptr ? fs::path(named) : fs::path(CALOTYPE_SOURCE_DIR) / "../shared/data";
}

std::string bytes_of_file(const fs::path& path) {
    const auto bytes = read_file(path);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Arrays random_sample(const graph::Graph& graph, int64_t free_dim) {
    std::mt19937 random(7);
    Arrays sample;
    for (const auto id : graph.inputs) {
        const graph::Value& input = graph.value(id);
        Dims dims = input.dims.value();
        for (int64_t& dim : dims) dim = dim < 0 ? free_dim : dim;
        Tensor tensor(DataType::float32, dims);
        for (float& x : tensor.values<float>()) x = static_cast<float>(random() % 2001) / 1000.0F - 1.0F;
        sample.emplace(input.name, std::move(tensor));
    }
    return sample;
}

/// Largest difference, over the largest magnitude of `expected`.
double relative_difference(const Tensor& expected, const Tensor& got) {
    if (expected.dims() != got.dims()) return 1e9;
    const auto a = to_doubles(expected), b = to_doubles(got);
    double largest = 1e-30, difference = 0;
    for (size_t i = 0; i < a.size(); ++i) {
        largest = std::max(largest, std::abs(a[i]));
        difference = std::max(difference, std::abs(a[i] - b[i]));
    }
    return difference / largest;
}

struct RealModel : testing::TestWithParam<const char*> {
    fs::path path = data_folder() / GetParam();
    void SetUp() override {
        if (!fs::exists(path)) GTEST_SKIP() << "skipped: no data";
    }
};

TEST_P(RealModel, ComputesTheSameAfterReadUpgradeAndWrite) {
    const auto library = ort::Library::load();
    const auto graph = onnx::read(path);
    EXPECT_EQ(graph.opset, 21);
    graph.validate();
    const auto sample = random_sample(graph, 2);
    const ort::Session original(library, bytes_of_file(path), {.threads = 1, .optimize = false});
    const ort::Session ours(library, onnx::write(graph), {.threads = 1, .optimize = false});
    const auto expected = original.run(sample), got = ours.run(sample);
    ASSERT_EQ(expected.size(), got.size());
    for (const auto& [name, tensor] : expected) EXPECT_TRUE(tensor == got.at(name)) << name << " differs in a bit";
}

TEST_P(RealModel, IsConcreteAndSmallerAfterOneRun) {
    const auto library = ort::Library::load();
    auto graph = onnx::read(path);
    const auto sample = random_sample(graph, 2);
    const auto expected = ort::Session(library, onnx::write(graph), {.threads = 1, .optimize = false}).run(sample);
    observe::concretize(graph, library, sample);
    graph.validate();
    for (const auto id : graph.values()) {
        EXPECT_TRUE(graph.value(id).type && graph::concrete_dims(graph, id)) << graph.value(id).name;
    }
    for (const auto id : graph.nodes()) {
        const graph::Node& node = graph.node(id);
        EXPECT_NE(node.op, "Shape") << node.name;
        EXPECT_NE(node.op, "ConstantOfShape") << node.name;
    }
    const auto got = ort::Session(library, onnx::write(graph), {.threads = 1, .optimize = false}).run(sample);
    for (const auto& [name, tensor] : expected) {
        // Not bits: with constant weights ONNX Runtime packs them before, and its MatMul sums in another order
        // (mnist-8).
        EXPECT_LT(relative_difference(tensor, got.at(name)), 1e-6) << name;
    }
}

TEST_P(RealModel, IsWrittenTheSameAgain) {
    const auto first = onnx::write(onnx::read(path));
    const fs::path copy = fs::temp_directory_path() / (std::to_string(::getpid()) + "_" + path.filename().string());
    write_file(copy, first);
    EXPECT_EQ(first, onnx::write(onnx::read(copy)));
    fs::remove(copy);
}

INSTANTIATE_TEST_SUITE_P(Data, RealModel,
                         testing::Values("cifar10/resnet20_cifar10.onnx", "cifar10/resnet56_cifar10.onnx",
                                         "coco/yolox_nano.onnx", "imagenet/efficientnet_lite0.onnx",
                                         "imagenet/mcunet-320kb-1mb_fp32.onnx", "imagenet/squeezenet_v1.1_fp32.onnx",
                                         "mlperf_tiny/ic_resnet8/resnet8_fp32.onnx",
                                         "mlperf_tiny/kws_dscnn/kws_dscnn_fp32.onnx",
                                         "mlperf_tiny/vww_mobilenet/vww_96_fp32.onnx", "mnist/mnist-8.onnx",
                                         "super_resolution/fsrcnn_x2.onnx"));

TEST(Comparator, SeesAWrongValueAndAWrongShape) {
    const std::vector<float> x = {1, 2}, y = {1, 2.5F};
    EXPECT_GT(relative_difference(Tensor::of<float>({2}, x), Tensor::of<float>({2}, y)), 0.1);
    EXPECT_GT(relative_difference(Tensor::of<float>({2}, x), Tensor::of<float>({2, 1}, x)), 1);
}

}  // namespace
}  // namespace calotype
