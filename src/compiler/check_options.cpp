#include "compiler/check_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

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
    if (!options.shapes.empty())
        refuse("--shape",
               "programs for further shapes are not built so far; one is made as another height or width comes");
}

}  // namespace

void check_options(const CompileOptions& options, const Samples& samples) {
    refuse_unbuilt(options);
    snapshot::check_target(options.output);  // before the work, not after it
    if (options.images < 1)
        throw Error({"OPTION_VALUE", "`--images`", fmt::format("it is {}, at least 1 is needed", options.images),
                     "5 to 20 are advised"});
    if (samples.count() < 1)
        throw Error({"SAMPLE_NONE", "the samples", "there are none, at least 1 is needed",
                     "give --samples with representative inputs; 5 to 20 are advised"});
}

int64_t sample_count(const CompileOptions& options, const Samples& samples) {
    if (samples.count() < options.images && options.message) {
        options.message(fmt::format("there are {} samples, {} were asked for: all of them are used", samples.count(),
                                    options.images));
    }
    return std::min(options.images, samples.count());
}

std::string canonical_text(const CompileOptions& options) {
    std::vector<std::string> without = options.without, disabled = options.disabled_rewrites;
    std::sort(without.begin(), without.end());
    std::sort(disabled.begin(), disabled.end());
    nlohmann::json shapes = nlohmann::json::array();
    for (const auto& [name, dims] : options.shapes) shapes.push_back({name, dims});
    return nlohmann::json{{"images", options.images}, {"mode", options.mode},    {"precision", options.precision},
                          {"deep", options.deep},     {"without", without},      {"disabled", disabled},
                          {"shapes", shapes},         {"golden", options.golden}}
        .dump();
}

}  // namespace calotype::compiler
