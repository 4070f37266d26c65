#include "compiler/dump.hpp"

#include <fmt/format.h>

#include "base/file.hpp"

namespace calotype::compiler {

Dump::Dump(const std::optional<std::filesystem::path>& folder) : folder_(folder) {
    if (folder_) std::filesystem::create_directories(*folder_);
}

void Dump::operator()(std::string_view stage, const std::string& text) {
    if (folder_) write_file(*folder_ / fmt::format("{:03}_{}.txt", number_++, stage), text);
}

}  // namespace calotype::compiler
