#include "compiler/host_nodes.hpp"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <nlohmann/json.hpp>

#include "observe/observe.hpp"

namespace calotype::compiler {
namespace {

using Extents = std::map<std::string, partition::Extent>;

/// NaN and infinities are refused where statistics are gathered.
void include(partition::Extent& extent, const Tensor& value) {
    for (const float x : to_floats(value)) {
        if (!std::isfinite(x)) continue;
        extent.lo = std::min(extent.lo, static_cast<double>(x));
        extent.hi = std::max(extent.hi, static_cast<double>(x));
    }
}

Extents extents_of(const graph::Graph& graph, const ort::Library& library, std::vector<std::string> names,
                   const Samples& samples, int64_t count, ThreadPool& pool) {
    const observe::Observer observer(graph, library, std::move(names));
    Extents extents;
    std::mutex guard;  // the order of samples does not matter to extremes
    pool.for_each(count, [&](int64_t index, int) {
        std::unique_lock lock(guard);
        const auto sample = samples.at(index);
        lock.unlock();
        const auto values = observer.run(sample);
        lock.lock();
        for (const auto& [name, value] : values)
            if (value.type() == DataType::float32) include(extents[name], value);
    });
    return extents;
}

constexpr std::string_view kRule = "NPU_RANGES";
using Told = std::map<std::string, std::string>;  // what was found, by the node's name

FindHostNodes by_name(Told told) {
    return [told = std::move(told)](const graph::Graph& graph, const ort::Library&) {
        partition::HostNodes host;
        for (const graph::NodeId id : graph.nodes())
            if (const auto found = told.find(graph.node(id).name); found != told.end()) host[id] = found->second;
        return host;
    };
}

}  // namespace

FindHostNodes host_nodes_seen(const Samples& samples, int64_t count, ThreadPool& pool) {
    return [&samples, count, &pool](const graph::Graph& graph, const ort::Library& library) {
        auto names = partition::joined_values(graph);
        if (names.empty()) return partition::HostNodes{};
        return partition::keep_apart(graph, extents_of(graph, library, std::move(names), samples, count, pool));
    };
}

FindHostNodes host_nodes_of(const std::string& report_json) {
    Told told;
    const auto report = nlohmann::json::parse(report_json);
    for (const auto& entry : report.value("operators", nlohmann::json::array())) {
        const auto reason = entry.value("reason", nlohmann::json::object());
        if (reason.value("rule", "") == kRule) told[entry.value("name", "")] = reason.value("actual", "");
    }
    return by_name(std::move(told));
}

FindHostNodes host_nodes_of(const partition::Plan& plan) {
    Told told;
    for (const partition::Decision& decision : plan.decisions)
        if (decision.limit && decision.limit->code == kRule) told[decision.name] = decision.limit->actual;
    return by_name(std::move(told));
}

}  // namespace calotype::compiler
