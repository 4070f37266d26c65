#pragma once

// What a configuration asks of a layer. One record = one limit with its reason; partition, `explain` and
// docs/supported-layers.md all read these records.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "npu/config.hpp"
#include "npu/layer.hpp"

namespace calotype::npu {

/// A layer as the limits see it.
struct LayerFacts {
    const Attributes& attributes;
    std::vector<Dims> inputs;  ///< shapes per sample
    Dims output;
};

/// One limit. Either `measure` reads a layer and `key` names the largest value allowed in Config::limits, or lowering
/// finds that a node is of this kind; then `key` names an entry of Config::support, or is empty where no configuration
/// has it.
struct Limit {
    std::string_view code, operation, what, unit, key;
    std::string_view why, hint;
    int64_t (*measure)(const LayerFacts&) = nullptr;   ///< 0 where the limit does not bind
    std::string (*show)(const LayerFacts&) = nullptr;  ///< the actual value as people write it; else the number
};

/// Whether the configuration answers it with yes or no.
bool is_switch(const Limit& limit);

/// The limits on numbers and kinds of layers.
std::span<const Limit> layer_limits();
/// What only a node shows: operations that are no layer.
std::span<const Limit> node_limits();
const Limit& find_limit(std::string_view code);

/// A limit that something breaks, with what was found.
struct BrokenLimit {
    std::string code, what, actual, limit, why, hint;
    friend bool operator==(const BrokenLimit&, const BrokenLimit&) = default;
};
/// "stride_h is 6 rows; at most 4 rows"
std::string sentence_of(const BrokenLimit& limit);
std::vector<BrokenLimit> broken_limits(const LayerFacts& facts, const Config& config);
/// The record of node_limits() with the value found in a node.
BrokenLimit broken_limit(std::string_view code, std::string actual, const Config& config);

/// A row of the layer-support table.
struct SupportRow {
    std::string_view operation;
    std::string_view onnx;  ///< the ONNX operators that spell it
    std::string_view note;
    std::vector<std::string_view> limits;  ///< codes that bind it
};
const std::vector<SupportRow>& support_rows();

}  // namespace calotype::npu
