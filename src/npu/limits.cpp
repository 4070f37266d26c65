#include "npu/limits.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace calotype::npu {
namespace {

std::string limit_text(const Limit& limit, const Config& config) {
    if (limit.key.empty() || is_switch(limit)) return fmt::format("not a layer of {}", config.name);
    return fmt::format("at most {}{}{}", config.limit(limit.key), limit.unit.empty() ? "" : " ", limit.unit);
}

BrokenLimit describe(const Limit& limit, std::string actual, const Config& config) {
    return {std::string(limit.code),   std::string(limit.what), std::move(actual),
            limit_text(limit, config), std::string(limit.why),  std::string(limit.hint)};
}

}  // namespace

bool is_switch(const Limit& limit) {
    return std::find(kSupportKeys.begin(), kSupportKeys.end(), limit.key) != kSupportKeys.end();
}

std::string sentence_of(const BrokenLimit& limit) {
    return fmt::format("{} is {}{}{}", limit.what, limit.actual, limit.limit.empty() ? "" : "; ", limit.limit);
}

std::vector<BrokenLimit> broken_limits(const LayerFacts& facts, const Config& config) {
    std::vector<BrokenLimit> broken;
    for (const Limit& limit : layer_limits()) {
        const int64_t actual = limit.measure(facts);
        const int64_t allowed = is_switch(limit) ? (config.supports(limit.key) ? actual : 0) : config.limit(limit.key);
        if (actual <= allowed) continue;
        const std::string number = fmt::format("{}{}{}", actual, limit.unit.empty() ? "" : " ", limit.unit);
        broken.push_back(describe(limit, limit.show ? limit.show(facts) : number, config));
    }
    return broken;
}

const Limit& find_limit(std::string_view code) {
    for (const auto& limits : {layer_limits(), node_limits()})
        for (const Limit& limit : limits)
            if (limit.code == code) return limit;
    CALOTYPE_ASSERT(false, "every code has a record");
}

BrokenLimit broken_limit(std::string_view code, std::string actual, const Config& config) {
    const Limit& limit = find_limit(code);
    BrokenLimit broken = describe(limit, std::move(actual), config);
    if (is_switch(limit) && config.supports(limit.key))
        broken.limit = fmt::format("{} has it, this release makes no layer of it", config.name);
    return broken;
}

}  // namespace calotype::npu
