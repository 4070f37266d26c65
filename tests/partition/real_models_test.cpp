// Every network is one NPU subgraph with all of its MACs, in no more memory than its largest moment, and its FP32 layers
// compute what ONNX Runtime computes.

#include <gmock/gmock.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "observe/observe.hpp"
#include "onnx/read.hpp"
#include "optimize/optimize.hpp"
#include "partition/float_network.hpp"
#include "partition/partition.hpp"
#include "plan/plan.hpp"
#include "report/explain.hpp"

namespace calotype::partition {
namespace {

std::filesystem::path data_folder() {
    if (const char* given = std::getenv("CALOTYPE_DATA")) return given;
    return std::filesystem::path(CALOTYPE_SOURCE_DIR).parent_path() / "shared/data";
}

std::map<std::string, Tensor> random_inputs(const graph::Graph& graph) {
    std::map<std::string, Tensor> inputs;
    std::minstd_rand random(11);
    for (const graph::ValueId id : graph.inputs) {
        Dims dims = graph.value(id).dims.value();
        for (size_t axis = 0; axis < dims.size(); ++axis)
            if (dims[axis] < 0) dims[axis] = axis == 0 ? 1 : 24;  // only fsrcnn leaves height and width free
        Tensor tensor(DataType::float32, dims);
        for (float& x : tensor.values<float>()) x = static_cast<float>(random() % 2001) / 1000.0F - 1.0F;
        inputs.emplace(graph.value(id).name, std::move(tensor));
    }
    return inputs;
}

double signal_to_noise_db(const Tensor& reference, const Tensor& other) {
    double signal = 0, noise = 1e-30;
    for (int64_t i = 0; i < reference.elements(); ++i) {
        const double x = reference.values<float>()[static_cast<size_t>(i)],
                     y = other.values<float>()[static_cast<size_t>(i)];
        signal += x * x;
        noise += (x - y) * (x - y);
    }
    return 10 * std::log10(signal / noise);
}

class RealModel : public testing::TestWithParam<const char*> {};

TEST_P(RealModel, IsOneNpuSubgraphThatComputesTheSame) {
    const auto path = data_folder() / GetParam();
    if (!std::filesystem::exists(path)) GTEST_SKIP() << "skipped: no data";
    const ort::Library library = ort::Library::load();
    graph::Graph graph = onnx::read(path);
    const auto inputs = random_inputs(graph);
    observe::concretize(graph, library, inputs);
    optimize::Options options;
    options.evaluate = observe::make_evaluator(library);
    optimize::run(graph, options);

    const npu::Config config = npu::find_config(npu::kDefaultConfig);
    const Plan plan = partition(graph, config);
    ASSERT_FALSE(plan.subgraphs.empty());
    const npu::FloatNetwork& network = plan.subgraphs.front().network;
    const npu::Program program = plan::plan(network, config);
    if (std::getenv("CALOTYPE_PRINT")) puts(report::explain_text(plan, {program}, config, GetParam()).c_str());
    for (const Decision& decision : plan.decisions)
        if (decision.device == Device::cpu) {
            EXPECT_THAT(decision.op, testing::AnyOf("Softmax", "DepthToSpace"))
                << decision.name << ": " << (decision.limit ? decision.limit->code + " " + decision.limit->actual : "");
        }
    EXPECT_EQ(plan.cpu_macs, 0);
    ASSERT_EQ(plan.subgraphs.front().device, Device::npu);
    EXPECT_LE(plan.subgraphs.size(), 2U);
    EXPECT_EQ(program.arena_bytes, program.lower_bound_bytes);

    std::vector<std::string> names;
    for (const npu::Placement& output : network.outputs) names.push_back(output.value);
    const auto expected = observe::Observer(graph, library, names).run(inputs);
    const auto actual = calotype::sketch::run(network, inputs);
    ASSERT_EQ(actual.size(), expected.size());
    for (const auto& [name, tensor] : expected) EXPECT_GT(signal_to_noise_db(tensor, actual.at(name)), 80) << name;
}

INSTANTIATE_TEST_SUITE_P(All, RealModel,
                         testing::Values("mnist/mnist-8.onnx", "cifar10/resnet20_cifar10.onnx",
                                         "cifar10/resnet56_cifar10.onnx", "mlperf_tiny/ic_resnet8/resnet8_fp32.onnx",
                                         "mlperf_tiny/kws_dscnn/kws_dscnn_fp32.onnx",
                                         "mlperf_tiny/vww_mobilenet/vww_96_fp32.onnx",
                                         "imagenet/mcunet-320kb-1mb_fp32.onnx", "imagenet/squeezenet_v1.1_fp32.onnx",
                                         "imagenet/efficientnet_lite0.onnx", "coco/yolox_nano.onnx",
                                         "super_resolution/fsrcnn_x2.onnx"));

}  // namespace
}  // namespace calotype::partition
