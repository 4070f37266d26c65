#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace calotype::compiler {

/// Writes each stage's result as numbered text where a folder is given (`--dump`). A former dump in it is replaced;
/// throws Error OUTPUT_TAKEN where it holds anything else, FILE_UNWRITABLE.
class Dump {
  public:
    Dump() = default;
    explicit Dump(const std::optional<std::filesystem::path>& folder);
    void operator()(std::string_view stage, const std::string& text);

  private:
    std::optional<std::filesystem::path> folder_;
    int number_ = 0;
};

}  // namespace calotype::compiler
