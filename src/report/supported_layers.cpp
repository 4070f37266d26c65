#include "report/supported_layers.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "npu/limits.hpp"

namespace calotype::report {
namespace {

std::string allowed(const npu::Limit& limit, const npu::Config& config) {
    if (limit.key.empty()) return "no";
    if (is_switch(limit)) {
        if (!config.supports(limit.key)) return "no";
        return limit.measure ? "yes" : "planned";  // no layer is made of it yet: the CPU runs it
    }
    return fmt::format("at most {}{}{}", config.limit(limit.key), limit.unit.empty() ? "" : " ", limit.unit);
}

/// A row whose only limit is a missing operation runs on the CPU whole.
bool on_the_npu(const npu::SupportRow& row) {
    static const std::vector<std::string_view> whole_operations = {
        "NPU_CONV_TRANSPOSE", "NPU_DEPTH_TO_SPACE", "NPU_CROP_AND_RESIZE", "NPU_SQUARE",
        "NPU_MATMUL",         "NPU_SOFTMAX",        "NPU_LAYER_NORM",      "NPU_DEFORMABLE_CONV"};
    return row.limits.empty() ||
           std::find(whole_operations.begin(), whole_operations.end(), row.limits.front()) == whole_operations.end();
}

std::string operations() {
    std::string text = "| operation | ONNX operators | runs on | notes | rules |\n|---|---|---|---|---|\n";
    for (const npu::SupportRow& row : npu::support_rows()) {
        std::string rules;
        for (const std::string_view code : row.limits) rules += fmt::format("{}`{}`", rules.empty() ? "" : ", ", code);
        text += fmt::format("| {} | {} | {} | {} | {} |\n", row.operation, row.onnx, on_the_npu(row) ? "NPU" : "CPU",
                            row.note, rules);
    }
    return text;
}

std::string rules() {
    std::vector<npu::Config> configs;
    std::string head = "| rule | operation | concerns |", line = "|---|---|---|";
    for (const std::string& name : npu::builtin_names()) {
        configs.push_back(npu::find_config(name));
        head += fmt::format(" {} |", name);
        line += "---|";
    }
    std::string text = head + " why | what helps |\n" + line + "---|---|\n";
    for (const auto& limits : {npu::layer_limits(), npu::node_limits()})
        for (const npu::Limit& limit : limits) {
            text += fmt::format("| `{}` | {} | {} |", limit.code, limit.operation, limit.what);
            for (const npu::Config& config : configs) text += fmt::format(" {} |", allowed(limit, config));
            text += fmt::format(" {} | {} |\n", limit.why, limit.hint);
        }
    return text;
}

}  // namespace

std::string supported_layers_markdown() {
    return "# Supported layers\n\n"
           "Generated from the NPU configurations (`data/npu`) and the rules (`src/npu/limits_*.cpp`); do not edit. "
           "`CALOTYPE_UPDATE_DOCS=1 build/release/tests/report_tests` writes it anew.\n\n"
           "What is not on the NPU runs on ONNX Runtime on the CPU beside it; `calotype explain` names the rule, the "
           "value found and what to change. What is only another spelling of a layer is that layer.\n\n"
           "## Operations\n\n" +
           operations() +
           "\n## Rules\n\n"
           "\"planned\" means that the configuration has the operation and this release makes no layer of it: the CPU "
           "runs it.\n\n" +
           rules();
}

}  // namespace calotype::report
