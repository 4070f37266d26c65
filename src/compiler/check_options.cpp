#include "compiler/check_options.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/counted.hpp"
#include "optimize/optimize.hpp"
#include "quantize/ingredients.hpp"
#include "snapshot/json_object.hpp"
#include "snapshot/snapshot.hpp"

namespace calotype::compiler {
namespace {

[[noreturn]] void refuse(std::string_view option, std::string fact) {
    throw Error({"OPTION_NOT_BUILT", fmt::format("`{}`", option), std::move(fact), "leave the option out"});
}

void refuse_unbuilt(const CompileOptions& options) {
    if (options.mode != "fast" && options.mode != "constrainedCalibrationV1.5")
        refuse("--mode", fmt::format("it is `{}`, only the mode `fast` is built so far", options.mode));
    if (options.precision != "INT8")
        refuse("--precision", fmt::format("it is `{}`, only INT8 is built so far", options.precision));
    if (options.deep) refuse("--deep", "deep quantization is not built so far");
}

}  // namespace

void check_options(const CompileOptions& options, const Samples& samples) {
    refuse_unbuilt(options);
    optimize::check_names(options.disabled_rewrites);
    quantize::Ingredients({options.without.begin(), options.without.end()});
    snapshot::check_target(options.output);  // before the work, not after it
    if (options.images < 1)
        throw Error({"OPTION_VALUE", "`--images`", fmt::format("it is {}, at least 1 is needed", options.images),
                     "5 to 20 are advised"});
    if (samples.count() < 1)
        throw Error({"SAMPLE_NONE", "the samples", "there are none, at least 1 is needed",
                     "give --samples with representative inputs; 5 to 20 are advised"});
}

int64_t sample_count(const CompileOptions& options, const Samples& samples,
                     const std::function<void(std::string_view)>& warn) {
    if (samples.count() < options.images)
        warn(fmt::format("there {} {}, {} were asked for: all of them are used", samples.count() == 1 ? "is" : "are",
                         counted(samples.count(), "sample"), options.images));
    return std::min(options.images, samples.count());
}

nlohmann::json canonical(const CompileOptions& options) {
    std::vector<std::string> without = options.without, disabled = options.disabled_rewrites;
    std::sort(without.begin(), without.end());
    std::sort(disabled.begin(), disabled.end());
    nlohmann::json shapes = nlohmann::json::array();
    for (const auto& [name, dims] : options.shapes) shapes.push_back({name, dims});
    return {{"images", options.images}, {"mode", options.mode},    {"precision", options.precision},
            {"deep", options.deep},     {"without", without},      {"disabled", disabled},
            {"shapes", shapes},         {"golden", options.golden}};
}

std::vector<std::string> disabled_rewrites_of(const std::string& report_json) {
    return snapshot::from_report(snapshot::report_of(report_json), [](const nlohmann::json& report) {
        const auto options = report.value("options", nlohmann::json::object());
        return options.value("disabled", std::vector<std::string>{});
    });
}

}  // namespace calotype::compiler
