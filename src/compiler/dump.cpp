#include "compiler/dump.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/error.hpp"
#include "base/file.hpp"

namespace calotype::compiler {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void unwritable(const fs::path& folder, const std::error_code& error) {
    throw Error({"FILE_UNWRITABLE", fmt::format("`{}`", folder.string()), error.message(),
                 "give `--dump` a folder that you may write to"});
}

/// "012_name.txt"
bool is_stage(const fs::directory_entry& entry) {
    const std::string name = entry.path().filename().string();
    const size_t digits = static_cast<size_t>(
        std::find_if(name.begin(), name.end(), [](unsigned char c) { return !std::isdigit(c); }) - name.begin());
    return digits >= 3 && name.substr(digits).starts_with('_') && name.ends_with(".txt") && !entry.is_symlink() &&
           entry.is_regular_file();
}

/// Stages of a former dump, all that may be there: the next one may have fewer.
std::vector<fs::path> former_stages(const fs::path& folder) {
    std::vector<fs::path> stages;
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
        if (!is_stage(entry))
            throw Error(
                {"OUTPUT_TAKEN", fmt::format("`{}`", folder.string()),
                 fmt::format("it holds `{}`, which is no stage of a former dump", entry.path().filename().string()),
                 "give `--dump` a folder of its own"});
        stages.push_back(entry.path());
    }
    if (error) unwritable(folder, error);
    return stages;
}

}  // namespace

Dump::Dump(const std::optional<fs::path>& folder) : folder_(folder) {
    if (!folder_) return;
    std::error_code error;
    fs::create_directories(*folder_, error);
    if (error) unwritable(*folder_, error);
    for (const fs::path& stage : former_stages(*folder_)) fs::remove(stage, error);
    if (error) unwritable(*folder_, error);
}

void Dump::operator()(std::string_view stage, const std::string& text) {
    if (folder_) write_file(*folder_ / fmt::format("{:03}_{}.txt", number_++, stage), text);
}

}  // namespace calotype::compiler
