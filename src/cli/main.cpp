#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <new>
#include <optional>

#include "base/nearest.hpp"
#include "calotype/error.hpp"
#include "cli/command.hpp"
#include "cli/interrupts.hpp"

namespace calotype::cli {
namespace {

/// Unknown options and values: the parser's sentence in the form of every other error.
int usage_error(const CLI::App& app, const CLI::ParseError& error, const std::optional<std::string>& misspelling) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    std::string name = "calotype";
    for (const CLI::App* command : app.get_subcommands()) name += " " + command->get_name();
    std::fprintf(stderr, "USAGE: `%s`: %s\n  try: %s --help\n", name.c_str(),
                 misspelling ? misspelling->c_str() : error.what(), name.c_str());
    return kUsage;
}

/// What the parser calls unexpected, or a missing subcommand: with the nearest names that would do.
std::optional<std::string> misspelt(const CLI::App& app, int argc, char** argv) {
    std::vector<std::string> commands;
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
        commands.push_back(command->get_name());
    const std::string first = argc > 1 ? argv[1] : "-";
    if (!first.starts_with('-') && std::ranges::find(commands, first) == commands.end()) {
        return fmt::format("there is no command `{}`; the nearest is `{}`, all are `{}`", first,
                           nearest(first, commands, 1).front(), fmt::join(commands, "`, `"));
    }
    for (const CLI::App* command : app.get_subcommands()) {
        for (const std::string& extra : command->remaining()) {
            if (!extra.starts_with("--")) continue;
            std::vector<std::string> options;
            for (const CLI::Option* option : command->get_options([](const CLI::Option*) { return true; })) {
                for (const std::string& name : option->get_lnames()) options.push_back("--" + name);
            }
            return fmt::format("there is no option `{}`; the nearest are `{}`", extra,
                               fmt::join(nearest(extra.substr(0, extra.find('=')), options), "`, `"));
        }
    }
    return std::nullopt;
}

int act(const Action& action) {
    try {
        return action();
    } catch (const Error& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return error.text().code.starts_with("OPTION_") ? kUsage : kBadInput;
    } catch (const std::bad_alloc&) {
        std::fprintf(
            stderr,
            "LIMIT_MEMORY: calotype: more memory is needed than it may have\n"
            "  try: raise the limit with --max-memory where the machine has more, or give fewer or smaller samples\n");
        return kBadInput;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "INTERNAL: calotype: %s\n  try: report this with the command that led to it\n",
                     error.what());
        return kInternal;
    }
}

int run(int argc, char** argv) {
    CLI::App app("calotype: run a trained network on an NPU: compile it, measure it, verify it");
    app.set_version_flag("--version", CALOTYPE_VERSION);
    app.require_subcommand(1);
    app.footer("`calotype COMMAND --help` shows a command's options and an example.");
    Action action;
    for (const auto add :
         {add_compile, add_run, add_bench, add_explain, add_inspect, add_verify, add_npu, add_settings})
        add(app, action);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return usage_error(app, error, misspelt(app, argc, argv));
    }
    leave_nothing_when_interrupted();
    const int code = act(action);
    // Results that did not reach their reader (full disk, closed pipe) are no success.
    if (std::fflush(stdout) != 0 && code == kFine) {
        std::fprintf(stderr, "FILE_UNWRITABLE: standard output: the result could not be written whole\n");
        return kBadInput;
    }
    return code;
}

}  // namespace
}  // namespace calotype::cli

int main(int argc, char** argv) { return calotype::cli::run(argc, argv); }
