#pragma once

// The parts of the fast mode that `--without` can switch off.

#include <set>
#include <string>

namespace calotype::quantize {

enum class Ingredient : uint8_t { bias_correction, channel_scales, gram_rounding, headroom, post_bias_correction };

class Ingredients {
  public:
    /// Throws Error OPTION_VALUE for an unknown name.
    explicit Ingredients(const std::set<std::string>& without);
    bool has(Ingredient ingredient) const { return !without_.contains(ingredient); }

  private:
    std::set<Ingredient> without_;
};

}  // namespace calotype::quantize
