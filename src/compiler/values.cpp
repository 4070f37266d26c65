#include "compiler/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "compiler/host_nodes.hpp"
#include "execute/prepared_model.hpp"
#include "observe/observe.hpp"
#include "onnx/write.hpp"
#include "quantize/sizes.hpp"

namespace calotype::compiler {

namespace {

using Sample = std::map<std::string, Tensor>;

/// A source of samples need not be safe for several threads. Refuses what the model cannot take beside the first one.
class Source {
  public:
    Source(const Samples& samples, const execute::Model& model) : samples_(samples), model_(model) {}
    std::map<std::string, Tensor> at(int64_t index) {
        std::unique_lock lock(guard_);
        auto sample = samples_.at(index);
        lock.unlock();
        for (const execute::Port& port : model_.inputs) {
            if (port.kind != Kind::tensor) continue;
            const Dims& dims = sample.at(port.name).dims();
            const std::string fault = execute::size_fault(model_, port, dims);
            if (!fault.empty())
                throw Error({"SAMPLE_SHAPE", fmt::format("sample {}, input `{}`", index, port.name),
                             fmt::format("its shape is {}, {}", to_string(dims), fault), "give samples of such sizes"});
        }
        return sample;
    }

  private:
    const Samples& samples_;
    const execute::Model& model_;
    std::mutex guard_;
};

/// The first subgraphs of a model, ready to run, for one caller at a time.
struct Prefix {
    execute::PreparedModel prepared;
    ThreadPool pool{1};
    std::mutex guard;
};

/// FP32 values of one network at any size. Constants that came from a shape stand in the graph without binding the
/// network (sizes of a Resize, targets of a Reshape): then each size has a graph of its own.
class Exact {
  public:
    Exact(const FrontOptions& options, const Front& front, Sample first, std::vector<std::string> names)
        : options_(options),
          front_(front),
          first_(std::move(first)),
          names_(std::move(names)),
          shared_(front.graph, front.library, names_),
          of_size_([this](const quantize::InputDims& dims) { return made_at(dims); }) {}

    std::map<std::string, Tensor> run(const Sample& sample) {
        quantize::InputDims dims;
        bool own = true;
        for (const graph::ValueId id : front_.file_graph.inputs) {
            if (front_.file_graph.value(id).other) {
                dims.emplace_back();
                continue;
            }
            dims.push_back(sample.at(front_.file_graph.value(id).name).dims());
            const auto known = front_.graph.find_value(front_.file_graph.value(id).name);
            own = own && (!known || front_.graph.value(*known).dims == dims.back());
        }
        if (own || one_graph(dims)) return shared_.run(sample);
        return of_size_.at(dims)->run(sample);
    }

  private:
    /// Made with zeros: no constant is computed from what an input holds. One that keeps its size may be a size itself.
    Front front_at(const quantize::InputDims& dims) const {
        Sample sample = first_;
        for (size_t i = 0; i < dims.size(); ++i) {
            const graph::Value& input = front_.file_graph.value(front_.file_graph.inputs[i]);
            if (input.other) continue;
            Tensor& tensor = sample.at(input.name);
            if (dims[i] != tensor.dims()) tensor = Tensor(tensor.type(), dims[i]);
        }
        Dump no_dump;
        return make_front(options_, sample, no_dump, host_nodes_of(front_.plan));
    }

    /// Asked of the first other size, which stands for all.
    bool one_graph(const quantize::InputDims& dims) {
        const std::lock_guard lock(guard_);
        if (!one_graph_)
            one_graph_ = onnx::write(observe::without_sizes(front_at(dims).graph)) ==
                         onnx::write(observe::without_sizes(front_.graph));
        return *one_graph_;
    }

    /// A value that moves nothing at some size, as a Resize to the size it has, is there without a producer.
    static bool has(const graph::Graph& graph, const std::string& name) {
        const auto id = graph.find_value(name);
        return id && (graph.producer(*id) != graph::NodeId::none || graph.is_constant(*id) ||
                      std::ranges::find(graph.inputs, *id) != graph.inputs.end());
    }

    observe::Observer made_at(const quantize::InputDims& dims) const {
        const Front front = front_at(dims);
        for (const std::string& name : names_)
            if (!has(front.graph, name))
                throw Error({"SAMPLE_SHAPE", fmt::format("value `{}`", name),
                             fmt::format("it does not exist where the model's inputs are {}", to_string(dims[0])),
                             "give samples of one size"});
        return {front.graph, front.library, names_};
    }

    const FrontOptions& options_;
    const Front& front_;
    Sample first_;
    std::vector<std::string> names_;
    observe::Observer shared_;
    quantize::PerSize<observe::Observer> of_size_;
    std::mutex guard_;
    std::optional<bool> one_graph_;
};

/// Every tensor's and layer's value.
std::vector<std::string> values_of(const npu::FloatNetwork& network) {
    std::vector<std::string> names;
    for (const npu::FloatTensor& tensor : network.tensors)
        if (tensor.constant.empty()) names.push_back(tensor.value);
    for (const npu::FloatLayer& layer : network.layers) names.push_back(layer.sum_value);
    for (const npu::Placement& input : network.inputs) names.push_back(input.value);
    return names;
}

/// These values, computed by ONNX Runtime.
quantize::Values exact_values(const FrontOptions& options, const Front& front, std::vector<std::string> names,
                              const std::shared_ptr<Source>& source) {
    auto exact = std::make_shared<Exact>(options, front, source->at(0), std::move(names));
    return [exact, source](int64_t index) { return exact->run(source->at(index)); };
}

/// The model's inputs and what subgraphs 0 to index - 1 make of them.
quantize::Values real_values(const execute::Model& model, const npu::Config& config, size_t index,
                             const std::shared_ptr<Source>& source, const ort::Access& access) {
    if (index == 0) return [source](int64_t sample) { return source->at(sample); };
    auto prefix =
        std::make_shared<Prefix>(execute::PreparedModel(model, emulate::KernelSet::automatic, access, config));
    return [source, prefix, index](int64_t sample) {
        auto values = source->at(sample);
        const std::map<std::string, TensorView> views(values.begin(), values.end());
        const std::lock_guard lock(prefix->guard);
        values.merge(prefix->prepared.run_prefix(views, index, prefix->pool));
        return values;
    };
}

}  // namespace

quantize::Calibration calibration_of(const FrontOptions& options, const Front& front, const execute::Model& model,
                                     size_t index, const Samples& samples, int64_t count) {
    const npu::FloatNetwork& network = front.plan.subgraphs[index].network;
    const Dims& first = network.inputs.front().dims;
    const auto source = std::make_shared<Source>(samples, model);
    return {exact_values(options, front, values_of(network), source),
            real_values(model, front.config, index, source, options.access), count, first.empty() ? 1 : first.front()};
}

SnapshotValues snapshot_values(const FrontOptions& options, const Front& front, const execute::Model& model,
                               const std::vector<std::string>& inner, const std::vector<std::string>& outputs,
                               const Samples& samples) {
    const auto source = std::make_shared<Source>(samples, model);
    const quantize::Values of_graph = exact_values(options, front, inner, source);
    const auto of_file = std::make_shared<observe::Observer>(front.file_graph, front.library, outputs);
    const auto exact = [of_graph, of_file, source](int64_t index) {
        auto values = of_graph(index);
        values.merge(of_file->run(source->at(index)));
        return values;
    };
    return {exact, real_values(model, front.config, model.subgraphs.size(), source, options.access)};
}

}  // namespace calotype::compiler
