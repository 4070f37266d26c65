#include "optimize/fixture.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include "observe/observe.hpp"
#include "onnx/write.hpp"
#include "ort/session.hpp"

namespace calotype::optimize::tests {

std::vector<float> random_floats(int64_t count, uint32_t seed, float lo, float hi) {
    std::mt19937 generator(seed);
    std::vector<float> result(static_cast<size_t>(count));
    // Not std::uniform_real_distribution, which draws differently from library to library.
    for (float& x : result) x = lo + (hi - lo) * static_cast<float>(generator() >> 8) / 16777216.0f;
    return result;
}

ValueId Writer::input(const std::string& name, Dims dims, DataType type) {
    graph.inputs.push_back(graph.add_value(name, type, std::move(dims)));
    return graph.inputs.back();
}

ValueId Writer::constant(Dims dims, std::vector<float> contents) {
    return graph.add_constant("c" + std::to_string(count_++),
                              Tensor::of<float>(std::move(dims), std::span<const float>(contents)));
}

ValueId Writer::weights(Dims dims, float lo, float hi) {
    auto contents = random_floats(element_count(dims), seed_++, lo, hi);
    return constant(std::move(dims), std::move(contents));
}

ValueId Writer::ints(std::vector<int64_t> contents) {
    return graph.add_constant("i" + std::to_string(count_++),
                              Tensor::of<int64_t>({std::ssize(contents)}, std::span<const int64_t>(contents)));
}

ValueId Writer::node(const std::string& op, std::vector<ValueId> inputs, Attributes attributes) {
    const ValueId output = graph.add_value("v" + std::to_string(count_++));
    graph::Node node;
    node.name = op + "_" + std::to_string(count_of_op_[op]++);
    node.op = op;
    node.inputs = std::move(inputs);
    node.outputs = {output};
    node.attributes = std::move(attributes);
    node.sources = {node.name};
    graph.add_node(std::move(node));
    return output;
}

void Writer::output(ValueId value, const std::string& name) {
    // An Identity gives the output its name, as any rewrite must be ready to lose or keep one.
    const ValueId named = node("Identity", {value});
    const ValueId result = graph.add_value(name);
    graph::Node last;
    last.name = "out_" + name;
    last.op = "Identity";
    last.inputs = {named};
    last.outputs = {result};
    last.sources = {last.name};
    graph.add_node(std::move(last));
    graph.outputs.push_back(result);
}

std::vector<std::string> Outcome::reasons(const std::string& rewrite) const {
    std::vector<std::string> result;
    for (const auto& declined : report.declined)
        if (declined.rewrite == rewrite) result.push_back(declined.reason);
    return result;
}

int64_t Outcome::applied(const std::string& rewrite) const {
    for (const auto& applied : report.applied)
        if (applied.rewrite == rewrite) return applied.times;
    return 0;
}

const graph::Node& Outcome::only(const std::string& op) const {
    std::vector<NodeId> found;
    for (const NodeId id : graph.nodes())
        if (graph.node(id).op == op) found.push_back(id);
    if (found.size() != 1) throw std::runtime_error("not one " + op + " but " + std::to_string(found.size()));
    return graph.node(found.front());
}

const ort::Library& library() {
    static const ort::Library loaded = ort::Library::load();
    return loaded;
}

Samples random_samples(const Graph& graph, uint32_t seed) {
    Samples samples;
    for (const ValueId id : graph.inputs) {
        const auto& input = graph.value(id);
        const auto contents = random_floats(element_count(*input.dims), seed++, -2, 2);
        if (input.type == DataType::uint8) {
            std::vector<uint8_t> bytes;
            for (const float x : contents) bytes.push_back(static_cast<uint8_t>((x + 2) * 64));
            samples.emplace(input.name, Tensor::of<uint8_t>(*input.dims, std::span<const uint8_t>(bytes)));
            continue;
        }
        samples.emplace(input.name, Tensor::of<float>(*input.dims, std::span<const float>(contents)));
    }
    return samples;
}

std::map<std::string, Tensor> run_in_ort(const Graph& graph, const Samples& samples) {
    return ort::Session(library(), onnx::write(graph), {.threads = 1, .optimize = false}).run(samples);
}

double relative_error(const Tensor& expected, const Tensor& actual) {
    if (expected.dims() != actual.dims()) return INFINITY;
    const std::vector<double> x = to_doubles(expected), y = to_doubles(actual);
    if (x.empty()) return 0;
    double largest = 0;
    for (size_t i = 0; i < x.size(); ++i) {
        if (!std::isfinite(x[i]) || !std::isfinite(y[i])) return INFINITY;
        largest = std::max(largest, std::abs(x[i] - y[i]));
    }
    const auto [low, high] = std::ranges::minmax(x);
    return largest / std::max(high - low, 1e-6);
}

Outcome optimized(Writer& writer, std::vector<std::string> disabled, float lo, float hi) {
    Outcome outcome{writer.graph, {}, {}};
    Samples samples = random_samples(outcome.graph);
    for (auto& [name, sample] : samples) {
        if (sample.type() != DataType::float32) continue;
        for (float& x : sample.values<float>()) x = lo + (x + 2) / 4 * (hi - lo);
    }
    observe::concretize(outcome.graph, library(), samples);
    const auto before = run_in_ort(outcome.graph, samples);
    outcome.report = run(outcome.graph, {.disabled = std::move(disabled),
                                         .dump = {},
                                         .validate = true,
                                         .evaluate = observe::make_evaluator(library())});
    const auto after = run_in_ort(outcome.graph, samples);
    for (const auto& [name, expected] : before) {
        if (!after.contains(name)) {
            ADD_FAILURE() << "output `" << name << "` lost its name";
            continue;
        }
        // ONNX Runtime sums in float32 in an order of its own, and folded weights are rounded anew.
        EXPECT_LE(relative_error(expected, after.at(name)), 2e-6) << name << "\n" << graph::to_text(outcome.graph);
    }
    for (const NodeId id : outcome.graph.nodes()) outcome.ops.push_back(outcome.graph.node(id).op);
    return outcome;
}

}  // namespace calotype::optimize::tests
