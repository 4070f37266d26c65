#include "ort/status.hpp"

#include <onnxruntime_c_api.h>

#include <string>

#include "base/error.hpp"
#include "base/limits.hpp"

namespace calotype::ort {
namespace {

/// ONNX Runtime's own words without the places in its sources, which say nothing to a user.
std::string without_source_places(std::string text) {
    constexpr std::string_view kRoot = "/onnxruntime_src/";
    for (size_t at = text.find(kRoot); at != std::string::npos; at = text.find(kRoot, at)) {
        const size_t end = text.find(' ', at);
        text.erase(at, end == std::string::npos ? end : end + 1 - at);
    }
    text.resize(text.find_last_not_of(" \n") + 1);
    return text;
}

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

/// ONNX Runtime breaks its own lines before a blank; a line break elsewhere is a name's, and shown as such.
std::string in_one_line(std::string text) {
    for (size_t at = text.find("\n "); at != std::string::npos; at = text.find("\n ", at)) text.erase(at, 1);
    return text;
}

}  // namespace

void check(const OrtApi& api, OrtStatus* status, std::string_view code) {
    if (status == nullptr) return;
    const std::string text = in_one_line(without_source_places(api.GetErrorMessage(status)));
    api.ReleaseStatus(status);
    if (has(text, "is not a registered function/op") || has(text, "No Op registered for") ||
        has(text, "Could not find an implementation"))
        throw Error({"UNKNOWN_OPERATOR", "ONNX Runtime", text,
                     "use operators that ONNX Runtime knows, or a model-local function"});
    if (has(text, "BFCArena")) throw Error({"LIMIT_MEMORY", "ONNX Runtime", text, how_to_raise(&Limits::memory_bytes)});
    throw Error({std::string(code), "ONNX Runtime", text});
}

}  // namespace calotype::ort
