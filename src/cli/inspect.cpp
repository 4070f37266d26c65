#include <fmt/format.h>

#include "calotype/snapshot.hpp"
#include "cli/command.hpp"
#include "cli/report_text.hpp"

namespace calotype::cli {
namespace {

struct Options {
    bool json = false;
    std::string snapshot;
};

std::string number_text(const Json& range) {
    if (!range.is_object()) return fmt::format("{:g}", range.get<double>());
    return fmt::format("{:g}..{:g}", range.at("least").get<double>(), range.at("largest").get<double>());
}

int work(const Options& options) {
    const std::string text = inspect(options.snapshot);
    if (options.json) {
        fmt::print("{}\n", text);
        return kFine;
    }
    print_summary(options.snapshot);
    const Json json = Json::parse(text);
    for (const Json& subgraph : json.at("subgraphs")) {
        if (!subgraph.contains("layers")) continue;
        fmt::print("{}\n  {:>9} {:>10} {:>16} {:>18}  layer\n", subgraph.at("name").get<std::string>(), "cycles",
                   "MACs", "output", "scale");
        for (const Json& layer : subgraph.at("layers")) {
            const std::string activation = layer.at("activation");
            fmt::print("  {:9} {:10} {:>16} {:>18}  {} ({}{}, {})\n", layer.at("cycles").get<int64_t>(),
                       layer.at("macs").get<int64_t>(), layer.at("output_shape").dump(), number_text(layer.at("scale")),
                       layer.at("name").get<std::string>(), layer.at("kind").get<std::string>(),
                       activation == "none" ? "" : " " + activation, layer.at("precision").get<std::string>());
        }
    }
    return kFine;
}

}  // namespace

void add_inspect(CLI::App& app, Action& action) {
    auto options = std::make_shared<Options>();
    CLI::App* command =
        add_command(app, action, "inspect", "Show layers, shapes, types, scales, sizes and predicted latency",
                    "calotype inspect model.snapshot", options, work);
    command->add_option("SNAPSHOT", options->snapshot, "What `calotype compile` wrote")->required();
}

}  // namespace calotype::cli
