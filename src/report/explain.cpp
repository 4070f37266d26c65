#include "report/explain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "report/totals.hpp"

namespace calotype::report {
namespace {

using Json = nlohmann::ordered_json;
using partition::Decision;
using partition::Device;
using partition::Plan;

double percent(int64_t part, int64_t all) {
    return all > 0 ? 100.0 * static_cast<double>(part) / static_cast<double>(all) : 0;
}

/// "NPU_0", "CPU_1": device and place in the list.
std::string label(const Plan& plan, size_t subgraph) {
    return fmt::format("{}_{}", partition::name_of(plan.subgraphs[subgraph].device), subgraph);
}

std::string shortened(const std::string& text, size_t width) {
    return text.size() <= width ? text : "..." + text.substr(text.size() - width + 3);
}

void operator_table(std::string& text, const Plan& plan) {
    const int64_t all = plan.npu_macs + plan.cpu_macs;
    text += fmt::format("{:<8} {:<22} {:<44} {:>14} {:>8} {:>10}\n", "runs on", "operator", "node", "MACs", "share",
                        "host time");
    for (const Decision& decision : plan.decisions)
        text += fmt::format("{:<8} {:<22} {:<44} {:>14} {:>6.2f} % {:>7.1f} us\n", label(plan, decision.subgraph),
                            shortened(decision.op, 22), shortened(decision.name, 44), decision.macs,
                            percent(decision.macs, all), decision.host_us);
}

/// The operators that one and the same limit keeps off the NPU, or one rule.
struct Reason {
    const npu::BrokenLimit* limit;  ///< the first one's
    std::vector<const Decision*> decisions;
    bool likewise = false;  ///< the others break the rule with other values
};

std::vector<Reason> reasons_of(const Plan& plan) {
    std::vector<Reason> reasons;
    for (const Decision& decision : plan.decisions) {
        if (!decision.limit) continue;
        const auto same = std::ranges::find_if(reasons, [&](const Reason& r) { return *r.limit == *decision.limit; });
        if (same != reasons.end())
            same->decisions.push_back(&decision);
        else
            reasons.push_back({&*decision.limit, {&decision}});
    }
    return reasons;
}

/// A rule that many values break (each shape of a transformer) is told once, with the first of them.
std::vector<Reason> by_rule(const std::vector<Reason>& all) {
    constexpr int64_t kMostOfOneRule = 3;
    std::vector<Reason> told;
    for (const Reason& reason : all) {
        const auto of_rule = [&](const Reason& other) { return other.limit->code == reason.limit->code; };
        const auto first = std::ranges::find_if(told, of_rule);
        if (first == told.end() || std::ranges::count_if(all, of_rule) <= kMostOfOneRule) {
            told.push_back(reason);
            continue;
        }
        first->likewise = true;
        first->decisions.insert(first->decisions.end(), reason.decisions.begin(), reason.decisions.end());
    }
    return told;
}

/// "Softmax `prob` runs", "5 operators (Add `a`, Relu `b` and 3 more) run".
std::string subject_of(const Reason& reason) {
    constexpr size_t kMostNames = 2;
    const auto name = [](const Decision* decision) { return fmt::format("{} `{}`", decision->op, decision->name); };
    const size_t count = reason.decisions.size();
    if (count == 1) return name(reason.decisions[0]) + " runs";
    std::string names = name(reason.decisions[0]);
    for (size_t i = 1; i < std::min(count, kMostNames); ++i) names += ", " + name(reason.decisions[i]);
    if (count > kMostNames) names += fmt::format(" and {} more", count - kMostNames);
    return fmt::format("{} operators ({}) run", count, names);
}

void reasons(std::string& text, const Plan& plan, const npu::Config& config) {
    if (config.none()) return;
    const int64_t all = plan.npu_macs + plan.cpu_macs;
    for (const Reason& reason : by_rule(reasons_of(plan))) {
        const npu::BrokenLimit& limit = *reason.limit;
        int64_t macs = 0;
        double host_us = 0;
        for (const Decision* decision : reason.decisions) {
            macs += decision->macs;
            host_us += decision->host_us;
        }
        text += fmt::format("\n{}: {} on the CPU: {}{}{}\n", limit.code, subject_of(reason),
                            reason.likewise ? "of the first, " : "", npu::sentence_of(limit),
                            reason.likewise ? "; the others likewise, `--json` tells each" : "");
        text += fmt::format("  why:  {}\n", limit.why);
        text += fmt::format("  cost: {:.2f} % of the MACs leave the NPU, {:.1f} us on the host\n", percent(macs, all),
                            host_us);
        text += fmt::format("  try:  {}\n", limit.hint);
    }
}

Json limit_json(const npu::BrokenLimit& limit) {
    return {{"rule", limit.code},   {"what", limit.what}, {"actual", limit.actual},
            {"limit", limit.limit}, {"why", limit.why},   {"suggestion", limit.hint}};
}

Json totals_json(const Totals& sums) {
    return {{"npu_subgraphs", sums.npu_subgraphs},
            {"cpu_subgraphs", sums.cpu_subgraphs},
            {"npu_macs", sums.npu_macs},
            {"cpu_macs", sums.cpu_macs},
            {"npu_share", sums.npu_share},
            {"npu_cycles", sums.cycles},
            {"npu_us", sums.npu_us},
            {"host_us", sums.host_us},
            {"boundaries_us", sums.boundaries_us},
            {"latency_us", sums.latency_us},
            {"host_only_us", sums.host_only_us},
            {"utilisation", sums.utilisation},
            {"peak_activation_bytes", sums.arena_bytes},
            {"lower_bound_bytes", sums.lower_bound_bytes}};
}

}  // namespace

std::string explain_text(const Plan& plan, const std::vector<npu::Program>& programs, const npu::Config& config,
                         const std::string& model) {
    const Totals sums = totals(plan, programs, config);
    std::string text = fmt::format("{} on {}\n\n", model, config.name);
    operator_table(text, plan);
    reasons(text, plan, config);
    text +=
        fmt::format("\nsubgraphs            {} on the NPU, {} on the CPU\n", sums.npu_subgraphs, sums.cpu_subgraphs);
    text += fmt::format("MACs on the NPU      {} of {} ({:.2f} %)\n", sums.npu_macs, sums.npu_macs + sums.cpu_macs,
                        100 * sums.npu_share);
    text += fmt::format("MACs on the CPU      {} ({:.2f} %)\n", sums.cpu_macs, 100 * (1 - sums.npu_share));
    text +=
        fmt::format("predicted latency    {:.1f} us on the device: NPU {:.1f}, its host {:.1f}, boundaries {:.1f}\n",
                    sums.latency_us, sums.npu_us, sums.host_us, sums.boundaries_us);
    // The largest part stays on the NPU whatever it costs: that is what a user compiles for it for.
    if (sums.npu_subgraphs > 0)
        text += fmt::format("without the NPU      {:.1f} us, all on its host{}\n", sums.host_only_us,
                            sums.host_only_us < sums.latency_us ? ": the NPU does not pay for this network" : "");
    text += fmt::format("NPU cycles           {}\n", sums.cycles);
    text += fmt::format("utilisation          {:.2f} %\n", 100 * sums.utilisation);
    text +=
        fmt::format("peak activations     {} bytes, the lower bound is {}\n", sums.arena_bytes, sums.lower_bound_bytes);
    return text;
}

std::string explain_json(const Plan& plan, const std::vector<npu::Program>& programs, const npu::Config& config,
                         const std::string& model) {
    Json root{{"model", model}, {"npu", {{"name", config.name}, {"fingerprint", config.fingerprint}}}};
    Json& parts = root["subgraphs"] = Json::array();
    size_t program = 0;
    for (size_t i = 0; i < plan.subgraphs.size(); ++i) {
        const partition::Subgraph& part = plan.subgraphs[i];
        Json entry{{"name", label(plan, i)},
                   {"device", partition::name_of(part.device)},
                   {"inputs", part.inputs},
                   {"outputs", part.outputs},
                   {"operators", part.nodes.size()},
                   {"macs", part.macs},
                   {"predicted_us", part.predicted_us}};
        if (part.device == Device::npu && program < programs.size()) {
            entry["layers"] = programs[program].steps.size();
            entry["cycles"] = programs[program].cycles;
            entry["peak_activation_bytes"] = programs[program].arena_bytes;
            entry["lower_bound_bytes"] = programs[program].lower_bound_bytes;
            ++program;
        }
        parts.push_back(std::move(entry));
    }
    Json& operators = root["operators"] = Json::array();
    for (const Decision& decision : plan.decisions) {
        Json entry{{"name", decision.name},
                   {"operator", decision.op},
                   {"sources", decision.sources},
                   {"device", partition::name_of(decision.device)},
                   {"subgraph", label(plan, decision.subgraph)},
                   {"macs", decision.macs},
                   {"host_us", decision.host_us}};
        if (decision.limit) entry["reason"] = limit_json(*decision.limit);
        operators.push_back(std::move(entry));
    }
    root["totals"] = totals_json(totals(plan, programs, config));
    return root.dump(2) + "\n";
}

}  // namespace calotype::report
