#include "quantize/ingredients.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/error.hpp"
#include "base/nearest.hpp"
#include "quantize/quantize.hpp"

namespace calotype::quantize {
namespace {

struct Row {
    Ingredient ingredient;
    const char* name;
    const char* what;
};
constexpr std::array<Row, 5> kRows = {{
    {Ingredient::bias_correction, "bias-correction", "the mean of every sum before its activation is made FP32's"},
    {Ingredient::channel_scales, "channel-scales",
     "a scale a channel where cross-validation over the samples finds it better"},
    {Ingredient::gram_rounding, "gram-rounding",
     "weights of layers with few inputs rounded against the inputs' Gram matrix"},
    {Ingredient::headroom, "headroom", "ranges wider than the samples', most where few values share one"},
    {Ingredient::post_bias_correction, "post-bias-correction", "the mean after the activation is made FP32's"},
}};

}  // namespace

const std::map<std::string, std::string>& ingredients() {
    static const std::map<std::string, std::string> all = [] {
        std::map<std::string, std::string> rows;
        for (const Row& row : kRows) rows.emplace(row.name, row.what);
        return rows;
    }();
    return all;
}

Ingredients::Ingredients(const std::set<std::string>& without) {
    for (const std::string& name : without) {
        const auto* row = std::find_if(kRows.begin(), kRows.end(), [&](const Row& r) { return r.name == name; });
        if (row == kRows.end()) {
            std::vector<std::string> names;
            for (const Row& known : kRows) names.emplace_back(known.name);
            throw Error({"OPTION_VALUE", "`--without`", fmt::format("there is no ingredient `{}`", name),
                         fmt::format("the nearest is `{}`, all are `{}`", nearest(name, names, 1).front(),
                                     fmt::join(names, "`, `"))});
        }
        without_.insert(row->ingredient);
    }
}

}  // namespace calotype::quantize
