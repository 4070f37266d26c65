#include <fmt/format.h>

#include "cli/command.hpp"
#include "npu/config.hpp"

namespace calotype::cli {
namespace {

struct Options {
    bool json = false;
    std::string name;
};

/// Beside the file's own content, what follows from it.
Json listed(const npu::Config& config) {
    Json entry{
        {"name", config.name}, {"about", config.about}, {"tiles", config.tiles()}, {"fingerprint", config.fingerprint}};
    entry["configuration"] = Json::parse(npu::to_json(config));
    return entry;
}

int list_all(bool as_json) {
    Json all = Json::array();
    for (const std::string& name : npu::builtin_names()) {
        const npu::Config config = npu::find_config(name);
        all.push_back(listed(config));
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
    const npu::Config config = npu::find_config(options.name);
    if (options.json) {
        fmt::print("{}\n", npu::to_json(config));
        return kFine;
    }
    const Json json = Json::parse(npu::to_json(config));
    for (const auto& [key, value] : json.items()) {
        if (!value.is_object()) {
            fmt::print("{}: {}\n", key, value.is_string() ? value.get<std::string>() : value.dump());
            continue;
        }
        fmt::print("{}:\n", key);
        for (const auto& [name, entry] : value.items()) fmt::print("  {}: {}\n", name, entry.dump());
    }
    fmt::print("tiles: {}\nfingerprint: {}\n", config.tiles(), config.fingerprint);
    return kFine;
}

}  // namespace

void add_npu(CLI::App& app, Action& action) {
    auto options = std::make_shared<Options>();
    CLI::App* command = add_command(app, action, "npu", "List NPU configurations, or show one",
                                    "calotype npu VE2802_NPU_IP_O00_A304_M3", options, work);
    command->add_option(
        "NAME", options->name,
        "A configuration's name or file, with --json as a file that --npu takes; all names where it is left out");
}

}  // namespace calotype::cli
