#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "npu/layer.hpp"

namespace calotype::npu {

/// One NPU: its array, its memory, what the host beside it does, and what its layers may be. Filled from a JSON file of
/// data/npu; every key must be present and no other may be.
struct Config {
    std::string name;
    std::string about;
    int64_t columns = 0, rows = 0;
    int64_t tile_memory_bytes = 0;
    int64_t int8_macs_per_cycle = 0, bf16_macs_per_cycle = 0;  ///< of one tile
    int64_t memory_tiles = 0, memory_tile_bytes = 0;
    int64_t memory_tile_bytes_per_cycle = 0;  ///< of one memory tile, reads and writes together
    int64_t clock_hz = 0;
    int64_t ddr_bytes_per_second = 0;
    int64_t layer_overhead_cycles = 0;  ///< to start a layer on the whole array
    int64_t host_macs_per_second = 0, host_bytes_per_second = 0;
    int64_t boundary_us = 0;                ///< fixed cost of one change between NPU and host
    std::map<std::string, int64_t> limits;  ///< by kLimitKeys; limits_*.cpp say what each means
    std::map<std::string, bool> support;
    std::string fingerprint;  ///< SHA-256 of the canonical content

    int64_t tiles() const { return columns * rows; }
    int64_t macs_per_cycle(Precision precision) const {
        return precision == Precision::int8 ? int8_macs_per_cycle : bf16_macs_per_cycle;
    }
    int64_t limit(std::string_view key) const;
    bool supports(std::string_view key) const;
    double microseconds(int64_t cycles) const {
        return 1e6 * static_cast<double>(cycles) / static_cast<double>(clock_hz);
    }
    /// "none": everything runs on the host.
    bool none() const { return columns == 0; }
};

/// Keys of `limits` and `support` that every configuration has.
extern const std::vector<std::string_view> kLimitKeys;
extern const std::vector<std::string_view> kSupportKeys;

/// Throws Error NPU_CONFIG that names the key at fault; `subject` is where the text came from.
Config parse_config(std::string_view json, std::string_view subject);

/// The configuration as a file that find_config reads.
std::string to_json(const Config& config);

/// Names of the configurations that are part of the program, sorted; the default one first.
std::vector<std::string> builtin_names();

/// A built-in configuration by name, "none", or a JSON file. Throws Error OPTION_VALUE with the nearest names.
Config find_config(std::string_view name_or_file);

inline constexpr std::string_view kDefaultConfig = "VE2802_NPU_IP_O00_A304_M3";

}  // namespace calotype::npu
