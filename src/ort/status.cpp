#include "ort/status.hpp"

#include <fmt/format.h>
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

/// What stands between two parts of a text; empty where they do not.
std::string between(const std::string& text, std::string_view before, char after) {
    const size_t found = text.find(before);
    if (found == std::string::npos) return {};
    const size_t first = found + before.size();
    return text.substr(first, text.find(after, first) - first);
}

/// An arena that is full, told by ONNX Runtime in words of its sources.
ErrorText out_of_memory(const std::string& text) {
    const std::string op = between(text, "while running ", ' '), name = between(text, "Name:'", '\'');
    const std::string left = between(text, "Available memory of ", ' ');
    const std::string asked = between(text, "requested bytes of ", ' ');
    ErrorText told{"LIMIT_MEMORY", "ONNX Runtime", "the memory allowed for a run does not suffice",
                   how_to_raise(&Limits::memory_bytes)};
    if (!op.empty()) told.subject = fmt::format("node `{}` ({})", name, op);
    if (!asked.empty())
        told.fact = fmt::format("it asks for {} bytes, of the memory allowed for a run {} are left", asked, left);
    return told;
}

}  // namespace

void check(const OrtApi& api, OrtStatus* status, std::string_view code) {
    if (status == nullptr) return;
    const std::string text = in_one_line(without_source_places(api.GetErrorMessage(status)));
    api.ReleaseStatus(status);
    if (has(text, "Could not find an implementation"))
        throw Error({"UNKNOWN_OPERATOR", "ONNX Runtime", text,
                     "it has no kernel of the operator for these types: export the model in float32"});
    if (has(text, "is not a registered function/op") || has(text, "No Op registered for"))
        throw Error({"UNKNOWN_OPERATOR", "ONNX Runtime", text,
                     "use operators that ONNX Runtime knows, or a model-local function"});
    // The arena is full, or the process got no more memory.
    if (has(text, "BFCArena") || has(text, "bad_alloc")) throw Error(out_of_memory(text));
    throw Error({std::string(code), "ONNX Runtime", text});
}

}  // namespace calotype::ort
