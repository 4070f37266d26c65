#include "optimize/optimize.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "base/nearest.hpp"
#include "optimize/pipeline.hpp"
#include "optimize/words.hpp"

namespace calotype::optimize {
namespace {

class Runner {
  public:
    Runner(Graph& graph, const Options& options)
        : graph_(graph), options_(options), entries_(pipeline(options.evaluate)), times_(entries_.size()) {
        check_names(options.disabled);
        std::erase_if(entries_, [&](const Entry& entry) {
            return std::ranges::find(options_.disabled, entry.name) != options_.disabled.end();
        });
        // Each node is normalised, fused or folded a few times at most: more means that two rewrites undo each other.
        steps_left_ = 1000 + 100 * static_cast<int64_t>(graph.nodes().size());
    }

    Report run() {
        tidy("remove_dead", graph_.remove_dead());
        const std::set<std::string> pinned = pin_captured();
        for (size_t i = 0; i < entries_.size();) i = pass(i) ? 0 : i + 1;
        std::erase_if(graph_.outputs, [&](ValueId id) { return pinned.contains(graph_.value(id).name); });
        tidy("remove_dead", graph_.remove_dead());
        for (const NodeId id : graph_.nodes()) graph_.node(id).sources = each_once(std::move(graph_.node(id).sources));
        return report();
    }

  private:
    /// A subgraph reads outer values by name: as outputs of the graph they keep it. The names that were none before.
    std::set<std::string> pin_captured() {
        std::set<std::string> pinned;
        for (const NodeId id : graph_.nodes())
            for (const std::string& name : graph::captured_names(graph_.node(id))) {
                const auto value = graph_.find_value(name);
                if (!value || graph_.producer(*value) == NodeId::none || graph_.is_output(*value)) continue;
                graph_.outputs.push_back(*value);
                pinned.insert(name);
            }
        return pinned;
    }

    /// One walk of one rewrite over the graph; true if it changed something.
    bool pass(size_t index) {
        const Entry& entry = entries_[index];
        declined_[index].clear();
        int64_t changes = 0;
        const std::vector<NodeId> nodes = graph_.nodes();
        for (const NodeId id : nodes) {
            options_.deadline.check();
            if (!graph_.alive(id)) continue;
            const Rewrite result = entry.function(graph_, id);
            if (result.is_done()) ++changes;
            if (result.is_declined())
                declined_[index].push_back({std::string(entry.name), graph_.node(id).name, result.reason()});
        }
        times_[index] += changes;
        steps_left_ -= changes;
        CALOTYPE_ASSERT(steps_left_ > 0, fmt::format("the rewrites come to an end, `{}` among the last", entry.name));
        if (changes > 0) graph_.remove_dead();
        tidy(entry.name, changes > 0);
        return changes > 0;
    }

    void tidy(std::string_view name, bool changed) {
        if (!changed) return;
        graph_.sort();
        if (options_.validate) graph_.validate();
        if (options_.dump) options_.dump(name, graph_);
    }

    Report report() {
        Report report;
        for (size_t i = 0; i < entries_.size(); ++i) {
            if (times_[i] > 0) report.applied.push_back({std::string(entries_[i].name), times_[i]});
            for (const Report::Declined& declined : declined_[i]) report.declined.push_back(declined);
        }
        return report;
    }

    Graph& graph_;
    const Options& options_;
    std::vector<Entry> entries_;
    std::vector<int64_t> times_;
    std::map<size_t, std::vector<Report::Declined>> declined_;
    int64_t steps_left_ = 0;
};

}  // namespace

Report run(Graph& graph, const Options& options) { return Runner(graph, options).run(); }

void check_names(const std::vector<std::string>& disabled) {
    std::vector<std::string> names;
    for (const RewriteInfo& rewrite : rewrites()) names.emplace_back(rewrite.name);
    for (const std::string& name : disabled) {
        if (std::ranges::find(names, name) != names.end()) continue;
        throw Error({"OPTION_VALUE", "`--disable`", fmt::format("there is no rewrite `{}`", name),
                     fmt::format("the nearest name is `{}`", nearest(name, names, 1).front())});
    }
}

std::vector<RewriteInfo> rewrites() {
    std::vector<RewriteInfo> result;
    for (const Entry& entry : pipeline({})) result.push_back({entry.name, entry.why_here});
    return result;
}

}  // namespace calotype::optimize
