#include "words.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <utility>
#include <vector>

namespace calotype::python {
namespace {

constexpr std::pair<std::string_view, std::string_view> kArguments[] = {
    {"samples", "samples"},     {"output", "output"},   {"images", "images"},   {"mode", "mode"},
    {"deep", "deep"},           {"npu", "npu"},         {"shape", "shapes"},    {"threads", "threads"},
    {"precision", "precision"}, {"kernels", "kernels"}, {"without", "without"},
};
constexpr std::string_view kLimit = "max-";

/// Characters of an option's name at the start of the text.
size_t name_length(std::string_view text) {
    const auto end = std::ranges::find_if(
        text, [](char c) { return !(std::islower(static_cast<unsigned char>(c)) != 0 || c == '-'); });
    return static_cast<size_t>(end - text.begin());
}

/// " x=1x3x224x224" at the start of the text: the name and the dims, and how long it is.
struct Shape {
    std::string_view name;
    std::vector<std::string_view> dims;
    size_t length = 0;
};
Shape shape_at(std::string_view text) {
    const size_t end = std::min(text.find_first_of(" `", 1), text.size()), equal = text.substr(0, end).rfind('=');
    if (!text.starts_with(' ') || equal == std::string_view::npos) return {};
    Shape shape{text.substr(1, equal - 1), {}, end};
    for (size_t at = equal + 1; at <= end;) {
        const size_t next = std::min(text.find('x', at), end);
        shape.dims.push_back(text.substr(at, next - at));
        at = next + 1;
    }
    return shape;
}

}  // namespace

std::string in_python_words(std::string_view message) {
    std::string out;
    for (size_t at = 0; at < message.size();) {
        const size_t option = std::min(message.find("--", at), message.size());
        out += message.substr(at, option - at);
        at = option;
        if (at == message.size()) break;
        const std::string_view name = message.substr(at + 2, name_length(message.substr(at + 2)));
        const auto* argument = std::ranges::find(kArguments, name, [](const auto& pair) { return pair.first; });
        at += 2 + name.size();
        if (name.starts_with(kLimit)) {
            out += fmt::format("limits={{\"{}\": ...}}", name.substr(kLimit.size()));
        } else if (argument == std::end(kArguments)) {
            out += fmt::format("--{}", name);
        } else if (const Shape shape = name == "shape" ? shape_at(message.substr(at)) : Shape{}; shape.length > 0) {
            out += fmt::format("shapes=[(\"{}\", [{}])]", shape.name, fmt::join(shape.dims, ", "));
            at += shape.length;
        } else {
            out += argument->second;
        }
    }
    return out;
}

}  // namespace calotype::python
