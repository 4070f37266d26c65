#include "compiler/dump.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/file.hpp"

namespace calotype::compiler {

Dump::Dump(const std::optional<std::filesystem::path>& folder) : folder_(folder) {
    if (!folder_) return;
    std::error_code error;
    std::filesystem::create_directories(*folder_, error);
    if (error)
        throw Error({"FILE_UNWRITABLE", fmt::format("`{}`", folder_->string()), error.message(),
                     "give `--dump` a folder that you may write to"});
}

void Dump::operator()(std::string_view stage, const std::string& text) {
    if (folder_) write_file(*folder_ / fmt::format("{:03}_{}.txt", number_++, stage), text);
}

}  // namespace calotype::compiler
