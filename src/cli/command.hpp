#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace calotype::cli {

using Json = nlohmann::ordered_json;

/// Exit codes: the input is at fault, the command line is, calotype is.
inline constexpr int kFine = 0, kBadInput = 1, kUsage = 2, kInternal = 3;

/// What the chosen subcommand does once the command line is understood; its result is the exit code.
using Action = std::function<int()>;

void add_compile(CLI::App& app, Action& action);
void add_run(CLI::App& app, Action& action);
void add_bench(CLI::App& app, Action& action);
void add_explain(CLI::App& app, Action& action);
void add_inspect(CLI::App& app, Action& action);
void add_verify(CLI::App& app, Action& action);
void add_npu(CLI::App& app, Action& action);
void add_settings(CLI::App& app, Action& action);

/// A subcommand with its example in --help and --json. `options` lives as long as `action`.
template <class Options>
CLI::App* add_command(CLI::App& app, Action& action, const std::string& name, const std::string& what,
                      const std::string& example, const std::shared_ptr<Options>& options,
                      int (*work)(const Options&)) {
    CLI::App* command = app.add_subcommand(name, what);
    command->footer("Example:\n  " + example);
    command->add_flag("--json", options->json, "Print the result as JSON");
    command->callback([&action, options, work] { action = [options, work] { return work(*options); }; });
    return command;
}

}  // namespace calotype::cli
