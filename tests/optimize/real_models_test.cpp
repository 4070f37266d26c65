// The real models: outputs before and after in ONNX Runtime, and which operators remain.
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <set>

#include "observe/observe.hpp"
#include "onnx/read.hpp"
#include "optimize/fixture.hpp"

namespace calotype::optimize::tests {
namespace {

namespace fs = std::filesystem;

fs::path data_folder() {
    const char* given = std::getenv("CALOTYPE_DATA");
    return given != nullptr ? fs::path(given) : fs::path(CALOTYPE_SOURCE_DIR).parent_path() / "shared" / "data";
}

struct RealModel {
    std::string path;
    float lo, hi;                ///< of a random input
    std::set<std::string> left;  ///< exactly the operators that remain
};

// Names in test listings.
void PrintTo(const RealModel& model, std::ostream* out) { *out << model.path; }

class RealModels : public testing::TestWithParam<RealModel> {};

TEST_P(RealModels, KeepTheirOutputs) {
    const RealModel& model = GetParam();
    const fs::path file = data_folder() / model.path;
    if (!fs::exists(file)) GTEST_SKIP() << "skipped: no data";
    Graph graph = onnx::read(file);
    Samples samples;
    for (const ValueId id : graph.inputs) {
        Dims dims = graph.value(id).dims.value();
        for (size_t axis = 0; axis < dims.size(); ++axis)
            if (dims[axis] < 0) dims[axis] = axis == 0 ? 1 : 24;  // only fsrcnn leaves height and width free
        const auto contents = random_floats(element_count(dims), 5, model.lo, model.hi);
        samples.emplace(graph.value(id).name, Tensor::of<float>(dims, std::span<const float>(contents)));
    }
    observe::concretize(graph, library(), samples);
    const auto before = run_in_ort(graph, samples);
    run(graph, {.disabled = {}, .dump = {}, .validate = true, .evaluate = observe::make_evaluator(library())});
    const auto after = run_in_ort(graph, samples);
    ASSERT_EQ(before.size(), after.size());
    for (const auto& [name, expected] : before) {
        ASSERT_TRUE(after.contains(name)) << name;
        // float32 sums in another order, through up to 60 layers
        EXPECT_LE(relative_error(expected, after.at(name)), 1e-4) << name;
    }
    std::set<std::string> left;
    for (const NodeId id : graph.nodes()) left.insert(graph.node(id).op);
    EXPECT_EQ(left, model.left);
}

INSTANTIATE_TEST_SUITE_P(
    All, RealModels,
    testing::Values(
        RealModel{"cifar10/resnet20_cifar10.onnx",
                  -2,
                  2,
                  {"Conv", "Relu", "Add", "Slice", "Pad", "GlobalAveragePool", "Flatten", "Gemm"}},
        RealModel{"cifar10/resnet56_cifar10.onnx",
                  -2,
                  2,
                  {"Conv", "Relu", "Add", "Slice", "Pad", "GlobalAveragePool", "Flatten", "Gemm"}},
        RealModel{"mnist/mnist-8.onnx", 0, 255, {"Conv", "Relu", "MaxPool", "Flatten", "Gemm"}},
        RealModel{"mlperf_tiny/ic_resnet8/resnet8_fp32.onnx",
                  0,
                  255,
                  {"Conv", "Relu", "Add", "GlobalAveragePool", "Flatten", "Gemm", "Softmax"}},
        RealModel{"mlperf_tiny/kws_dscnn/kws_dscnn_fp32.onnx",
                  -60,
                  60,
                  {"Conv", "Relu", "GlobalAveragePool", "Flatten", "Gemm", "Softmax"}},
        RealModel{"mlperf_tiny/vww_mobilenet/vww_96_fp32.onnx",
                  0,
                  1,
                  {"Conv", "Relu", "GlobalAveragePool", "Flatten", "Gemm", "Softmax"}},
        RealModel{"imagenet/mcunet-320kb-1mb_fp32.onnx",
                  -1,
                  1,
                  {"Conv", "Clip", "Add", "GlobalAveragePool", "Flatten", "Gemm"}},
        RealModel{"imagenet/squeezenet_v1.1_fp32.onnx",
                  -120,
                  120,
                  {"Conv", "Relu", "MaxPool", "Concat", "GlobalAveragePool", "Flatten"}},
        RealModel{
            "imagenet/efficientnet_lite0.onnx", -1, 1, {"Conv", "Clip", "Add", "GlobalAveragePool", "Flatten", "Gemm"}},
        RealModel{"coco/yolox_nano.onnx",
                  0,
                  255,
                  {"Conv", "Sigmoid", "Mul", "Add", "MaxPool", "Concat", "Slice", "Resize", "Reshape", "Transpose"}},
        RealModel{"super_resolution/fsrcnn_x2.onnx", 0, 1, {"Conv", "Relu", "Add", "DepthToSpace"}}),
    [](const auto& info) {
        std::string name = fs::path(info.param.path).stem();
        std::ranges::replace_if(name, [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
        return name;
    });

}  // namespace
}  // namespace calotype::optimize::tests
