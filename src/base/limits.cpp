#include "base/limits.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/error.hpp"
#include "base/machine_memory.hpp"
#include "base/nearest.hpp"

namespace calotype {
namespace {

constexpr int64_t kMost = int64_t{1} << 60;
constexpr int64_t kDeepest = 1000;  // what reads recurses: a thread's stack of 8 MiB takes more, but not without end

constexpr std::array kRecords = {
    LimitRecord{"memory", &Limits::memory_bytes, 1, kMost, true, "bytes of a run's tensors together"},
    LimitRecord{"seconds", &Limits::run_seconds, 1, 1'000'000, true,
                "seconds of a run in ONNX Runtime, and of each stage of compiling before and after"},
    LimitRecord{"macs", &Limits::node_macs, 1, kMost, false,
                "multiplications of one node on the CPU, which nothing interrupts"},
    LimitRecord{"elements", &Limits::tensor_elems, 1, kMost, false, "elements of one tensor"},
    LimitRecord{"folded", &Limits::folded_bytes, 0, kMost, false, "bytes of constants computed beyond the file's own"},
    LimitRecord{"nesting", &Limits::nesting, 1, kDeepest, false, "subgraphs or functions inside one another"},
    LimitRecord{"nodes", &Limits::function_nodes, 1, kMost, false,
                "nodes, functions written out; and constants, and values that the file describes"},
    LimitRecord{"trips", &Limits::loop_trips, 1, kMost, false,
                "trips of a Loop with a constant count that nothing ends before"},
};

const LimitRecord& record_of(const std::string& name) {
    const auto found = std::ranges::find(kRecords, name, &LimitRecord::name);
    if (found != kRecords.end()) return *found;
    std::vector<std::string> names;
    for (const LimitRecord& record : kRecords) names.emplace_back(record.name);
    throw Error(
        {"OPTION_UNKNOWN", fmt::format("limit `{}`", name),
         fmt::format("there is none of this name; the nearest are `{}`", fmt::join(nearest(name, names), "`, `"))});
}

}  // namespace

std::span<const LimitRecord> limit_records() { return kRecords; }

std::string how_to_raise(int64_t Limits::* member) {
    const auto found = std::ranges::find(kRecords, member, &LimitRecord::member);
    return fmt::format("if it is meant so, raise the limit with --max-{}", found->name);
}

Limits limits_of(const std::map<std::string, int64_t>& given) {
    Limits limits;
    for (const auto& [name, value] : given) {
        const LimitRecord& record = record_of(name);
        if (value < record.least || value > record.most)
            throw Error({"OPTION_VALUE", fmt::format("`--max-{}`", name),
                         fmt::format("it is {}, {} to {} are allowed", value, record.least, record.most)});
        limits.*record.member = value;
    }
    return limits;
}

Limits run_limits_of(const std::map<std::string, int64_t>& given) {
    const Limits limits = limits_of(given);
    for (const auto& [name, value] : given) {
        if (record_of(name).of_runs) continue;
        throw Error({"OPTION_UNUSED", fmt::format("`--max-{}`", name),
                     "it bounds what a model's file may ask for, not the run of a snapshot", "leave it out"});
    }
    return limits;
}

int64_t allowed_memory_bytes(const Limits& limits) {
    if (limits.memory_bytes > 0) return limits.memory_bytes;
    return machine_memory_bytes() / 2;
}

}  // namespace calotype
