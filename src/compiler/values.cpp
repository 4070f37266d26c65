#include "compiler/values.hpp"

#include <mutex>

#include "execute/prepared_model.hpp"
#include "observe/observe.hpp"

namespace calotype::compiler {

namespace {

/// A source of samples need not be safe for several threads.
class Source {
  public:
    explicit Source(const Samples& samples) : samples_(samples) {}
    std::map<std::string, Tensor> at(int64_t index) {
        const std::lock_guard lock(guard_);
        return samples_.at(index);
    }

  private:
    const Samples& samples_;
    std::mutex guard_;
};

/// The first subgraphs of a model, ready to run, for one caller at a time.
struct Prefix {
    execute::PreparedModel prepared;
    ThreadPool pool{1};
    std::mutex guard;
};

/// Every tensor's and layer's value, computed by ONNX Runtime.
quantize::Values exact_values(const Front& front, const npu::FloatNetwork& network, const Samples& samples) {
    std::vector<std::string> names;
    for (const npu::FloatTensor& tensor : network.tensors) names.push_back(tensor.value);
    for (const npu::FloatLayer& layer : network.layers) names.push_back(layer.sum_value);
    for (const npu::Placement& input : network.inputs) names.push_back(input.value);
    auto observer = std::make_shared<observe::Observer>(front.graph, front.library, std::move(names));
    auto source = std::make_shared<Source>(samples);
    return [observer, source](int64_t index) { return observer->run(source->at(index)); };
}

/// The model's inputs and what subgraphs 0 to index - 1 make of them.
quantize::Values real_values(const execute::Model& model, const npu::Config& config, size_t index,
                             const Samples& samples, const std::optional<std::filesystem::path>& ort_library) {
    auto source = std::make_shared<Source>(samples);
    if (index == 0) return [source](int64_t sample) { return source->at(sample); };
    auto prefix =
        std::make_shared<Prefix>(execute::PreparedModel(model, emulate::KernelSet::automatic, ort_library, config));
    return [source, prefix, index](int64_t sample) {
        auto values = source->at(sample);
        const std::map<std::string, TensorView> views(values.begin(), values.end());
        const std::lock_guard lock(prefix->guard);
        values.merge(prefix->prepared.run_prefix(views, index, prefix->pool));
        return values;
    };
}

}  // namespace

quantize::Calibration calibration_of(const Front& front, const execute::Model& model, size_t index,
                                     const Samples& samples, int64_t count,
                                     const std::optional<std::filesystem::path>& ort_library) {
    const npu::FloatNetwork& network = front.plan.subgraphs[index].network;
    const Dims& first = network.inputs.front().dims;
    return {exact_values(front, network, samples), real_values(model, front.config, index, samples, ort_library), count,
            first.empty() ? 1 : first.front()};
}

}  // namespace calotype::compiler
