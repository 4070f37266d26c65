#include <fmt/format.h>

#include "cli/command.hpp"
#include "npu/config.hpp"

namespace calotype::cli {
namespace {

struct Options {
    bool json = false;
    std::string name;
};

Json config_json(const npu::Config& config) {
    Json json{{"name", config.name},
              {"fingerprint", config.fingerprint},
              {"about", config.about},
              {"columns", config.columns},
              {"rows", config.rows},
              {"tiles", config.tiles()},
              {"tile_memory_bytes", config.tile_memory_bytes},
              {"int8_macs_per_cycle", config.int8_macs_per_cycle},
              {"bf16_macs_per_cycle", config.bf16_macs_per_cycle},
              {"memory_tiles", config.memory_tiles},
              {"memory_tile_bytes", config.memory_tile_bytes},
              {"clock_hz", config.clock_hz},
              {"ddr_bytes_per_second", config.ddr_bytes_per_second}};
    json["limits"] = config.limits;
    json["support"] = config.support;
    return json;
}

int list_all(bool as_json) {
    Json all = Json::array();
    for (const std::string& name : npu::builtin_names()) {
        const npu::Config config = npu::find_config(name);
        all.push_back(config_json(config));
        if (!as_json) fmt::print("{}{}\n  {}\n", name, name == npu::kDefaultConfig ? " (default)" : "", config.about);
    }
    if (as_json)
        fmt::print("{}\n", all.dump(2));
    else
        fmt::print("none\n  no NPU: everything runs in FP32 on ONNX Runtime\n");
    return kFine;
}

int work(const Options& options) {
    if (options.name.empty()) return list_all(options.json);
    const Json json = config_json(npu::find_config(options.name));
    if (options.json) {
        fmt::print("{}\n", json.dump(2));
        return kFine;
    }
    for (const auto& [key, value] : json.items()) {
        if (!value.is_object()) {
            fmt::print("{}: {}\n", key, value.is_string() ? value.get<std::string>() : value.dump());
            continue;
        }
        fmt::print("{}:\n", key);
        for (const auto& [name, entry] : value.items()) fmt::print("  {}: {}\n", name, entry.dump());
    }
    return kFine;
}

}  // namespace

void add_npu(CLI::App& app, Action& action) {
    auto options = std::make_shared<Options>();
    CLI::App* command = add_command(app, action, "npu", "List NPU configurations, or show one",
                                    "calotype npu VE2802_NPU_IP_O00_A304_M3", options, work);
    command->add_option("NAME", options->name, "A configuration's name or file; all names where it is left out");
}

}  // namespace calotype::cli
