#include "ort/library.hpp"

#include <dlfcn.h>
#include <fmt/format.h>
#include <onnxruntime_c_api.h>

#include <cstdlib>
#include <vector>

#include "base/error.hpp"
#include "ort/watchdog.hpp"

namespace calotype::ort {
namespace {

namespace fs = std::filesystem;
constexpr uint32_t kApiVersion = 21;  // ONNX Runtime 1.21 and later

/// libonnxruntime.so.* of an `onnxruntime` package below a Python prefix.
std::vector<fs::path> packaged(const fs::path& prefix) {
    std::vector<fs::path> found;
    std::error_code ignored;
    for (const fs::path& python : fs::directory_iterator(prefix / "lib", ignored)) {
        if (!python.filename().string().starts_with("python3")) continue;
        for (const char* packages : {"site-packages", "dist-packages"}) {
            const fs::path folder = python / packages / "onnxruntime" / "capi";
            for (const fs::path& file : fs::directory_iterator(folder, ignored)) {
                if (file.filename().string().starts_with("libonnxruntime.so.")) found.push_back(file);
            }
        }
    }
    return found;
}

std::vector<fs::path> candidates(const std::optional<fs::path>& path) {
    if (path) return {*path};
    if (const char* named = std::getenv("CALOTYPE_ORT_LIBRARY"); named != nullptr && *named != '\0') return {named};
    std::vector<fs::path> all;
    std::error_code ignored;
    const fs::path executable = fs::read_symlink("/proc/self/exe", ignored);
    std::vector<fs::path> prefixes = {executable.parent_path().parent_path()};
    if (const char* venv = std::getenv("VIRTUAL_ENV"); venv != nullptr && *venv != '\0') prefixes.emplace_back(venv);
    for (const fs::path& prefix : prefixes) {
        const auto found = packaged(prefix);
        all.insert(all.end(), found.begin(), found.end());
    }
    all.emplace_back("libonnxruntime.so.1");
    return all;
}

}  // namespace

struct Library::State {
    const OrtApi* api = nullptr;
    OrtEnv* env = nullptr;
    std::unique_ptr<Watchdog> watchdog;
    ~State() {
        if (env != nullptr) api->ReleaseEnv(env);
    }
};

Library Library::load(const std::optional<fs::path>& path, const Limits& limits) {
    void* handle = nullptr;
    std::string reason;
    for (const fs::path& candidate : candidates(path)) {
        handle = ::dlopen(candidate.c_str(), RTLD_NOW | RTLD_LOCAL);
        if (handle != nullptr) break;
        reason = ::dlerror();
    }
    const std::string hint = "`pip install onnxruntime`, or give --ort-library or $CALOTYPE_ORT_LIBRARY";
    if (handle == nullptr) throw Error({"ORT_MISSING", "ONNX Runtime", "it cannot be loaded: " + reason, hint});
    using GetBase = const OrtApiBase* (*)();
    const auto get_base = reinterpret_cast<GetBase>(::dlsym(handle, "OrtGetApiBase"));
    if (get_base == nullptr) throw Error({"ORT_MISSING", "ONNX Runtime", "the library has no OrtGetApiBase", hint});
    auto state = std::make_shared<State>();
    state->api = get_base()->GetApi(kApiVersion);
    if (state->api == nullptr) {
        throw Error({"ORT_TOO_OLD", fmt::format("ONNX Runtime {}", get_base()->GetVersionString()),
                     "1.21 or later is needed", hint});
    }
    OrtStatus* status = state->api->CreateEnv(ORT_LOGGING_LEVEL_FATAL, "calotype", &state->env);
    if (status != nullptr) {
        const std::string text = state->api->GetErrorMessage(status);
        state->api->ReleaseStatus(status);
        throw Error({"ORT_MISSING", "ONNX Runtime", text, hint});
    }
    state->watchdog = std::make_unique<Watchdog>(*state->api);
    return Library(state, limits);
}

const OrtApi& Library::api() const { return *state_->api; }
OrtEnv* Library::env() const { return state_->env; }
Watchdog& Library::watchdog() const { return *state_->watchdog; }

}  // namespace calotype::ort
