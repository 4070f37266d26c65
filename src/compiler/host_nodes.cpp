#include "compiler/host_nodes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "lower/lower.hpp"
#include "observe/observe.hpp"
#include "partition/keep_apart.hpp"
#include "partition/keep_fine.hpp"
#include "partition/keep_finite.hpp"
#include "snapshot/json_object.hpp"

namespace calotype::compiler {
namespace {

/// What the samples showed of each value, by name.
struct Seen {
    std::map<std::string, partition::Extent> extents;  ///< of the finite elements
    std::map<std::string, int64_t> not_finite;         ///< elements

    void include(const std::string& name, const Tensor& value) {
        partition::Extent& extent = extents[name];
        int64_t& infinite = not_finite[name];
        for (const float x : value.values<float>()) {
            if (!std::isfinite(x)) {
                ++infinite;
                continue;
            }
            extent.lo = std::min(extent.lo, static_cast<double>(x));
            extent.hi = std::max(extent.hi, static_cast<double>(x));
        }
    }
    void merge(const Seen& other) {
        for (const auto& [name, extent] : other.extents) {
            extents[name].lo = std::min(extents[name].lo, extent.lo);
            extents[name].hi = std::max(extents[name].hi, extent.hi);
        }
        for (const auto& [name, elements] : other.not_finite) not_finite[name] += elements;
    }
};

/// Why a sample can teach nothing.
struct Fault {
    ErrorText text;
    graph::ValueId input = graph::ValueId::none;  ///< that holds NaN
};

/// A sample that holds NaN, or of which an output has nothing finite and some NaN. Infinities alone may be meant: the
/// logarithm of a probability that is zero.
std::vector<Fault> faults_of(const graph::Graph& graph, const std::map<std::string, Tensor>& values, int64_t sample) {
    std::vector<Fault> faults;
    const auto add = [&](const char* kind, graph::ValueId id, const char* what, graph::ValueId input) {
        faults.push_back({{"SAMPLE_NOT_FINITE", fmt::format("{} `{}`", kind, graph.value(id).name),
                           fmt::format("sample {} gives {}", sample, what), "check the sample and the model in FP32"},
                          input});
    };
    const auto elements = [&](graph::ValueId id) {
        const auto found = values.find(graph.value(id).name);
        return found == values.end() ? std::span<const float>{} : found->second.values<float>();
    };
    for (const graph::ValueId id : graph.inputs)
        if (std::ranges::any_of(elements(id), [](float x) { return std::isnan(x); })) add("input", id, "NaN", id);
    for (const graph::ValueId id : graph.outputs) {
        const auto all = elements(id);
        if (std::ranges::any_of(all, [](float x) { return std::isnan(x); }) &&
            std::ranges::none_of(all, [](float x) { return std::isfinite(x); }))
            add("output", id, "NaN or an infinity everywhere", graph::ValueId::none);
    }
    return faults;
}

/// What the NPU cannot run anyway may be meant for NaN: it asks for it, or puts a number in its place.
bool npu_could_read(const graph::Graph& graph, graph::ValueId input, const npu::Config& config) {
    const auto declined = lower::lower(graph, config).declined;
    return std::ranges::any_of(graph.readers(input), [&](graph::NodeId id) { return !declined.contains(id); });
}

void refuse(const std::map<int64_t, std::vector<Fault>>& faults, const graph::Graph& graph, const npu::Config& config) {
    for (const auto& [sample, own] : faults)
        for (const Fault& fault : own)
            if (fault.input == graph::ValueId::none || npu_could_read(graph, fault.input, config))
                throw Error(fault.text);
}

bool is_of_size(const graph::Graph& graph, const std::map<std::string, Tensor>& sample) {
    return std::ranges::all_of(graph.inputs, [&](graph::ValueId id) {
        return graph.value(id).other || graph.value(id).dims == sample.at(graph.value(id).name).dims();
    });
}

Seen look(const graph::Graph& graph, const ort::Library& library, const npu::Config& config, const Samples& samples,
          int64_t count, ThreadPool& pool) {
    const observe::Observer observer(graph, library, partition::values_of_the_npu(graph));
    Seen seen;
    std::map<int64_t, std::vector<Fault>> faults;  // by sample
    std::mutex guard;                              // the order of samples does not matter to extremes and counts
    pool.for_each(count, [&](int64_t index, int) {
        std::unique_lock lock(guard);
        const auto sample = samples.at(index);
        lock.unlock();
        std::map<std::string, Tensor> values;
        try {
            values = observer.run(sample);
        } catch (const Error&) {
            if (is_of_size(graph, sample)) throw;
            // A constant of this graph came from its own size: of another one, what goes in can be looked at.
            for (const auto& [name, value] : sample)
                if (value.type() == DataType::float32) values.emplace(name, value);
        }
        auto found = faults_of(graph, values, index);
        Seen one;
        for (const auto& [name, value] : values)
            if (value.type() == DataType::float32) one.include(name, value);
        lock.lock();
        seen.merge(one);
        if (!found.empty()) faults.emplace(index, std::move(found));
    });
    refuse(faults, graph, config);
    return seen;
}

using Told = std::map<std::string, partition::HostReason>;  // by the node's name

/// Rules that partition does not find by itself.
bool is_told(std::string_view rule) {
    return rule == "NPU_RANGES" || rule == "NPU_FEW_CODES" || rule == "NPU_NOT_FINITE" || rule == "NPU_NO_SCALE";
}

FindHostNodes by_name(Told told) {
    return [told = std::move(told)](const graph::Graph& graph, const ort::Library&) {
        partition::HostNodes host;
        for (const graph::NodeId id : graph.nodes())
            if (const auto found = told.find(graph.node(id).name); found != told.end()) host[id] = found->second;
        return host;
    };
}

}  // namespace

FindHostNodes host_nodes_seen(const std::string& npu, const Samples& samples, int64_t count, ThreadPool& pool) {
    return [npu, &samples, count, &pool](const graph::Graph& graph, const ort::Library& library) {
        const Seen seen = look(graph, library, npu::find_config(npu), samples, count, pool);
        partition::HostNodes host = partition::keep_finite(graph, seen.not_finite);
        host.merge(partition::keep_apart(graph, seen.extents));
        host.merge(partition::keep_fine(graph, seen.extents));
        return host;
    };
}

FindHostNodes host_nodes_of(const std::string& report_json) {
    return by_name(snapshot::from_report(snapshot::report_of(report_json), [](const nlohmann::json& report) {
        Told told;
        for (const auto& entry : report.value("operators", nlohmann::json::array())) {
            const auto reason = entry.value("reason", nlohmann::json::object());
            const std::string rule = reason.value("rule", "");
            if (is_told(rule)) told[entry.value("name", "")] = {rule, reason.value("actual", "")};
        }
        return told;
    }));
}

FindHostNodes host_nodes_of(const partition::Plan& plan) {
    Told told;
    // What did not pay at one size stays on the host at others too, where it might: a snapshot has one split.
    for (const partition::Decision& decision : plan.decisions)
        if (decision.limit && (is_told(decision.limit->code) || decision.limit->code == "NPU_DOES_NOT_PAY"))
            told[decision.name] = {decision.limit->code, decision.limit->actual};
    return by_name(std::move(told));
}

}  // namespace calotype::compiler
