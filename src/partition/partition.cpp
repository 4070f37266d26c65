#include "partition/partition.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "graph/macs.hpp"
#include "lower/lower.hpp"
#include "npu/cost.hpp"
#include "partition/keep_apart.hpp"
#include "partition/keep_fine.hpp"
#include "partition/levels.hpp"

namespace calotype::partition {
namespace {

using graph::Graph;
using graph::NodeId;
using graph::ValueId;
using Refusals = std::map<NodeId, npu::BrokenLimit>;

/// Of all samples that its values hold.
double network_us(const npu::FloatNetwork& network, const npu::Config& config) {
    int64_t cycles = 0;
    for (const npu::FloatLayer& layer : network.layers) {
        std::vector<Dims> inputs;
        for (const npu::TensorId tensor : layer.inputs)
            inputs.push_back(network.tensors[static_cast<size_t>(tensor)].shape);
        const Dims& output = network.tensors[static_cast<size_t>(layer.output)].shape;
        cycles += npu::cost(layer.attributes, inputs, output, npu::Precision::int8, config).cycles;
    }
    const int64_t samples = network.inputs.empty() ? 1 : network.inputs.front().dims.front();
    return config.microseconds(cycles * samples);
}

/// Entering and leaving the NPU: a fixed time each, and the bytes as FP32 on the host's side.
double boundary_us(const npu::FloatNetwork& network, const npu::Config& config) {
    int64_t bytes = 0;
    for (const auto* placements : {&network.inputs, &network.outputs})
        for (const npu::Placement& placement : *placements) bytes += 4 * element_count(placement.dims);
    return 2.0 * static_cast<double>(config.boundary_us) +
           1e6 * static_cast<double>(bytes) / static_cast<double>(config.host_bytes_per_second);
}

/// One split by the refusals so far; adds refusals and splits again until every NPU part lowers whole.
class Splitter {
  public:
    Splitter(const Graph& graph, const npu::Config& config, Refusals refused, const Deadline& deadline)
        : graph_(graph), config_(config), refused_(std::move(refused)), deadline_(deadline) {}

    /// Its CPU parts have no graphs yet: see extract_parts.
    Plan run() {
        while (!try_split()) plan_ = {};
        finish();
        return std::move(plan_);
    }
    const Refusals& refused() const { return refused_; }

  private:
    void refuse_layout(const std::vector<NodeId>& nodes) {
        npu::BrokenLimit broken = npu::broken_limit("NPU_DOES_NOT_PAY", "that of two boundaries", config_);
        broken.limit = "nothing but layout lies between operators of the host";
        for (const NodeId id : nodes) refused_.emplace(id, broken);
    }

    /// Sums, products and joins with constant maps behind which nothing but the host reads, and what repeats maps for it:
    /// the NPU would round their result to codes where the host has it exactly, at no boundary more.
    void refuse_for_the_host(const std::vector<NodeId>& nodes) {
        const std::set<NodeId> part(nodes.begin(), nodes.end());
        std::map<NodeId, NodeId> host_reader;  // of nodes that nothing in the part computes with
        for (auto id = nodes.rbegin(); id != nodes.rend(); ++id) {
            if (refused_.contains(*id)) continue;
            if (repeats_for_the_host(*id)) {
                refuse_for(*id, graph_.readers(graph_.output(*id)).front());
                continue;
            }
            const bool reads_map = reads_constant_map(graph_, *id);
            NodeId host = NodeId::none;
            bool leaves = reads_map || only_moves(graph_, *id) || is_linear(graph_, *id);
            for (const ValueId output : graph_.node(*id).outputs) {
                if (output == ValueId::none) continue;
                for (const NodeId reader : graph_.readers(output)) {
                    const auto found = host_reader.find(reader);
                    const bool by_host = refused_.contains(reader);
                    leaves = leaves && (by_host || !part.contains(reader) || found != host_reader.end());
                    if (by_host) host = reader;
                    if (found != host_reader.end() && found->second != NodeId::none) host = found->second;
                }
            }
            if (!leaves) continue;
            host_reader.emplace(*id, host);
            if (reads_map && host != NodeId::none) refuse_for(*id, host);
        }
    }
    void refuse_for(NodeId id, NodeId host) {
        const graph::Node& reader = graph_.node(host);
        refused_.emplace(
            id, npu::broken_limit("NPU_HOST_READS", fmt::format("`{}`, a {}", reader.name, reader.op), config_));
    }

    /// What repeats pixels or channels for a sum or product of the same node of the user, which the host makes: it
    /// broadcasts by itself.
    bool repeats_for_the_host(NodeId id) const {
        const graph::Node& node = graph_.node(id);
        if (node.op != "Resize" && node.op != "Gather") return false;
        const std::vector<NodeId> readers = graph_.readers(graph_.output(id));
        if (readers.size() != 1 || graph_.is_output(graph_.output(id)) || !refused_.contains(readers[0])) return false;
        const graph::Node& reader = graph_.node(readers[0]);
        const bool also_repeats = node.op == "Resize" && reader.op == "Gather";
        return reader.sources == node.sources && (reader.op == "Add" || reader.op == "Mul" || also_repeats);
    }

    bool try_split() {
        std::map<NodeId, Device> devices;
        for (const NodeId id : graph_.nodes()) devices[id] = refused_.contains(id) ? Device::cpu : Device::npu;
        const size_t known = refused_.size();
        for (Part& part : parts_of(graph_, devices)) {
            Subgraph& made = plan_.subgraphs.emplace_back();
            made.device = part.device;
            made.nodes = std::move(part.nodes);
            if (made.device == Device::cpu) continue;
            lower::Lowering lowering = lower::lower(graph_, made.nodes, batch_, config_, deadline_);
            refused_.insert(lowering.declined.begin(), lowering.declined.end());
            made.network = std::move(lowering.network);
            refuse_for_the_host(made.nodes);
            if (made.network.layers.empty()) refuse_layout(made.nodes);
        }
        return refused_.size() == known;
    }

    void finish() {
        std::map<NodeId, size_t> place;
        for (size_t i = 0; i < plan_.subgraphs.size(); ++i) {
            Subgraph& part = plan_.subgraphs[i];
            for (const NodeId id : part.nodes) {
                place[id] = i;
                part.macs += graph::macs_of(graph_, id);
                if (part.device == Device::cpu) part.predicted_us += host_us(graph_, id, config_);
            }
            if (part.device == Device::npu) finish_npu(part);
            plan_.predicted_us += part.predicted_us;
            (part.device == Device::npu ? plan_.npu_macs : plan_.cpu_macs) += part.macs;
        }
        for (const NodeId id : graph_.nodes()) decide(id, place.at(id));
    }
    void finish_npu(Subgraph& part) {
        part.predicted_us = network_us(part.network, config_) + boundary_us(part.network, config_);
        for (const npu::Placement& input : part.network.inputs) {
            part.inputs.push_back(input.value);
            const auto value = graph_.find_value(input.value);
            if (value && graph_.producer(*value) != NodeId::none) part.network.handed_on.insert(input.value);
        }
        for (const npu::Placement& output : part.network.outputs) {
            part.outputs.push_back(output.value);
            const auto value = graph_.find_value(output.value);
            if (value && !graph_.is_output(*value)) part.network.handed_on.insert(output.value);
        }
    }
    void decide(NodeId id, size_t subgraph) {
        const graph::Node& node = graph_.node(id);
        Decision decision{id,
                          node.name,
                          node.op,
                          node.sources,
                          plan_.subgraphs[subgraph].device,
                          subgraph,
                          graph::macs_of(graph_, id),
                          host_us(graph_, id, config_),
                          std::nullopt};
        if (const auto no = refused_.find(id); no != refused_.end()) decision.limit = no->second;
        plan_.decisions.push_back(std::move(decision));
    }

    const Graph& graph_;
    const npu::Config& config_;
    Refusals refused_;
    const Deadline& deadline_;
    const int64_t batch_ = graph::batch_of(graph_).value_or(1);
    Plan plan_;
};

void extract_parts(const Graph& graph, Plan& plan, const Deadline& deadline) {
    for (size_t k = 0; k < plan.subgraphs.size(); ++k) {
        deadline.check();
        Subgraph& part = plan.subgraphs[k];
        if (part.device == Device::npu) continue;
        part.graph = extract(graph, part.nodes, fmt::format("CPU_{}", k));
        for (const ValueId input : part.graph.inputs) part.inputs.push_back(part.graph.value(input).name);
        for (const ValueId output : part.graph.outputs) part.outputs.push_back(part.graph.value(output).name);
    }
}

/// Leaves regions of a plan to the host where the predicted total is lower without them.
class Weighing {
  public:
    Weighing(const Graph& graph, const npu::Config& config, Plan plan, Refusals refused, const Deadline& deadline)
        : graph_(graph), config_(config), plan_(std::move(plan)), refused_(std::move(refused)), deadline_(deadline) {}

    /// One by one and the smallest first. Each region that is weighed costs a split of the whole graph: where there are
    /// more than `most` nodes in all splits together, those that do not pay by themselves go in one.
    Plan run(int64_t most) {
        const int64_t a_split = std::ssize(graph_.nodes());
        if (std::ssize(npu_parts()) > most / std::max<int64_t>(a_split, 1)) leave_at_once();
        for (int64_t weighed = 0; weighed <= most && weigh_next(); weighed += a_split) deadline_.check();
        return std::move(plan_);
    }

  private:
    using Gains = std::vector<std::pair<std::vector<NodeId>, double>>;  // nodes of a region, and what it gains

    std::vector<const Subgraph*> npu_parts() const {
        std::vector<const Subgraph*> parts;
        for (const Subgraph& part : plan_.subgraphs)
            if (part.device == Device::npu) parts.push_back(&part);
        std::stable_sort(parts.begin(), parts.end(), [](const auto* a, const auto* b) { return a->macs < b->macs; });
        return parts;
    }
    void refuse(Refusals& refusals, const Subgraph& part) const {
        const npu::BrokenLimit broken = npu::broken_limit(
            "NPU_DOES_NOT_PAY", fmt::format("{:.1f} us on the NPU with its boundaries", part.predicted_us), config_);
        for (const NodeId id : part.nodes) refusals.emplace(id, broken);
    }

    bool weigh_next() {
        const auto parts = npu_parts();
        const auto candidate = std::find_if(parts.begin(), parts.end(),
                                            [&](const Subgraph* part) { return !kept_.contains(part->nodes.front()); });
        if (parts.size() < 2 || candidate == parts.end() || *candidate == parts.back()) return false;
        Refusals more = refused_;
        refuse(more, **candidate);
        const std::vector<NodeId> nodes = (*candidate)->nodes;
        if (const double gain_us = take_if_faster(std::move(more)); gain_us > 0)
            state_gains({{nodes, gain_us}});
        else
            kept_.insert(nodes.front());
        return true;
    }

    /// What a region takes, its boundaries with it, hangs on no other.
    void leave_at_once() {
        auto parts = npu_parts();
        parts.pop_back();
        Refusals more = refused_;
        Gains gains;
        for (const Subgraph* part : parts) {
            double gain_us = part->predicted_us;
            for (const NodeId id : part->nodes) gain_us -= host_us(graph_, id, config_);
            if (gain_us <= 0) continue;
            refuse(more, *part);
            gains.emplace_back(part->nodes, gain_us);
        }
        if (!gains.empty() && take_if_faster(std::move(more)) > 0) state_gains(gains);
    }

    /// How much sooner the split by these refusals is done; then it is the plan.
    double take_if_faster(Refusals refusals) {
        Splitter splitter(graph_, config_, std::move(refusals), deadline_);
        Plan other = splitter.run();
        const double gain_us = plan_.predicted_us - other.predicted_us;
        if (gain_us > 0) {
            plan_ = std::move(other);
            refused_ = splitter.refused();
        }
        return gain_us;
    }
    void state_gains(const Gains& gains) {
        for (const auto& [nodes, gain_us] : gains) {
            const std::string gain =
                fmt::format("the whole is predicted {:.1f} us faster with it on the host", gain_us);
            for (const NodeId id : nodes) refused_.at(id).limit = gain;
        }
        for (Decision& decision : plan_.decisions)
            if (decision.limit) decision.limit = refused_.at(decision.node);
    }

    const Graph& graph_;
    const npu::Config& config_;
    Plan plan_;
    Refusals refused_;
    const Deadline& deadline_;
    std::set<NodeId> kept_;  // first nodes of parts that were weighed and pay
};

}  // namespace

std::string_view name_of(Device device) { return device == Device::npu ? "NPU" : "CPU"; }

Plan partition(const Graph& graph, const npu::Config& config, const HostNodes& host, const Deadline& deadline,
               int64_t most_weighed) {
    Refusals refused;
    if (config.none())
        for (const NodeId id : graph.nodes()) refused.emplace(id, npu::broken_limit("NPU_NONE", config.name, config));
    else
        refused = lower::lower(graph, config, deadline).declined;
    for (const auto& [id, reason] : host) {
        npu::BrokenLimit broken = npu::broken_limit(reason.rule, reason.actual, config);
        if (reason.rule == "NPU_RANGES")
            broken.limit = fmt::format("at most {} times apart under one scale", kMostTimesApart);
        if (reason.rule == "NPU_FEW_CODES")
            broken.limit = fmt::format("at most {} times, {} where it leads to an output alone", kMostTimesCoarser,
                                       kMostTimesCoarserAtTheEnd);
        refused.emplace(id, std::move(broken));
    }
    Splitter splitter(graph, config, refused, deadline);
    Plan plan = splitter.run();
    plan = Weighing(graph, config, std::move(plan), splitter.refused(), deadline).run(most_weighed);
    extract_parts(graph, plan, deadline);
    return plan;
}

}  // namespace calotype::partition
