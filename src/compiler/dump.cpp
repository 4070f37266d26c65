#include "compiler/dump.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/replace.hpp"

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

}  // namespace

Dump::Dump(const std::optional<fs::path>& folder) : folder_(folder) {
    if (!folder_) return;
    std::error_code error;
    fs::create_directories(*folder_, error);
    if (error) unwritable(*folder_, error);
    const fs::path folder_itself = fs::canonical(*folder_);
    check_replaceable(folder_itself, is_stage, "stage of a former dump", "give `--dump` a folder of its own");
    std::vector<fs::path> former;  // all of it: the next one may have fewer stages
    for (const fs::directory_entry& entry : fs::directory_iterator(folder_itself)) former.push_back(entry.path());
    for (const fs::path& stage : former)
        if (fs::remove(stage, error); error) unwritable(*folder_, error);
}

void Dump::operator()(std::string_view stage, const std::string& text) {
    if (folder_) write_file(*folder_ / fmt::format("{:03}_{}.txt", number_++, stage), text);
}

}  // namespace calotype::compiler
