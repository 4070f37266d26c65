#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/file.hpp"
#include "base/replace.hpp"
#include "calotype/error.hpp"
#include "cli/command.hpp"

namespace calotype::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
    bool json = false;
};

/// The Python package that belongs to this command: of its environment, or of its build folder.
fs::path package_folder() {
    std::error_code error;
    const fs::path program = fs::read_symlink("/proc/self/exe", error);
    std::vector<fs::path> places{program.parent_path() / "python" / "calotype"};
    for (const char* lib : {"lib", "lib64"}) {
        for (const auto& python : fs::directory_iterator(program.parent_path().parent_path() / lib, error)) {
            for (const char* packages : {"site-packages", "dist-packages"}) {
                places.push_back(python.path() / packages / "calotype");
                std::ifstream build(python.path() / packages / "calotype-build.pth");  // `make build` writes it
                if (std::string folder; std::getline(build, folder)) places.push_back(fs::path(folder) / "calotype");
            }
        }
    }
    for (const fs::path& place : places)
        if (fs::exists(place / "settings.sh", error)) return place;
    throw Error({"SETTINGS_MISSING", "`settings.sh`",
                 fmt::format("there is no Python package of calotype beside `{}`", program.string()),
                 "install it with pip into the same environment"});
}

/// Shells that do not tell a sourced file where it lies read it in the file.
void write_folder(const fs::path& file) {
    const auto bytes = read_file(file);
    std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const std::string key = "\ncalotype_folder='";
    const size_t before = text.find(key), first = before + key.size(), last = text.find('\'', first);
    if (before == std::string::npos || last == std::string::npos) return;  // edited by hand
    const std::string folder = file.parent_path().string();
    if (text.substr(first, last - first) == folder || folder.find('\'') != std::string::npos) return;
    try {
        replace_file(file, text.replace(first, last - first, folder));
    } catch (const Error&) {
        // Another user's installation: settings.sh then asks the `calotype` on the PATH.
    }
}

int work(const Options& options) {
    const fs::path file = package_folder() / "settings.sh";
    write_folder(file);
    fmt::print("{}\n", options.json ? Json(file.string()).dump() : file.string());
    return kFine;
}

}  // namespace

void add_settings(CLI::App& app, Action& action) {
    add_command(app, action, "settings", "Print the file to source, so that Python scripts run on the NPU",
                "source \"$(calotype settings)\"", std::make_shared<Options>(), work);
}

}  // namespace calotype::cli
