#include "compiler/survey.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "compiler/sizes.hpp"

namespace calotype::compiler {
namespace {

/// The value that all elements have; empty where they differ, or where there is only one and none could.
std::string only_value(const Tensor& tensor) {
    const bool ranged = tensor.type() == DataType::float32 || tensor.type() == DataType::uint8 ||
                        tensor.type() == DataType::int8;  // what the NPU takes
    if (!ranged || tensor.elements() < 2) return {};
    const auto size = static_cast<size_t>(bytes_of(tensor.type()));
    const auto bytes = tensor.bytes();
    // Each element equals the one before it.
    if (!std::equal(bytes.begin() + static_cast<ptrdiff_t>(size), bytes.end(), bytes.begin())) return {};
    Dims one(tensor.dims().size(), 1);
    const std::vector<std::byte> first(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size));
    return fmt::format("{:g}", to_doubles(Tensor(tensor.type(), std::move(one), first))[0]);
}

/// One input over the samples.
struct Flat {
    int64_t samples = 0, first = 0;
    std::string value;  ///< of the first
    bool same = true;   ///< all of one value
};

std::string warning(const std::string& input, const Flat& flat, int64_t count) {
    if (flat.samples == count && flat.same)
        return fmt::format(
            "input `{}` is {} throughout {}: nothing can be told from that about its range; "
            "give samples as the network will meet them",
            input, flat.value, count == 1 ? "the one sample" : fmt::format("all {} samples", count));
    return fmt::format("input `{}` is one value throughout in {} of {} samples, first in sample {} ({}): is it meant?",
                       input, flat.samples, count, flat.first, flat.value);
}

}  // namespace

Survey survey(const Samples& samples, int64_t count) {
    Survey found;
    std::map<std::string, Flat> flats;
    std::map<std::string, Dims> sizes;
    std::set<std::string> known;  // of other_sizes
    for (int64_t i = 0; i < count; ++i) {
        for (const auto& [name, tensor] : samples.at(i)) {
            const Dims& first = sizes.emplace(name, tensor.dims()).first->second;
            if (tensor.dims() != first && known.insert(name).second)
                found.other_sizes.push_back({name, samples.name_of(i),
                                             fmt::format("input `{}` is {} in one and {} in the other", name,
                                                         to_string(first), to_string(tensor.dims()))});
            const std::string value = only_value(tensor);
            if (value.empty()) continue;
            Flat& flat = flats[name];
            if (flat.samples++ == 0) {
                flat.first = i;
                flat.value = value;
            }
            flat.same = flat.same && flat.value == value;
        }
    }
    for (const auto& [name, flat] : flats) found.warnings.push_back(warning(name, flat, count));
    return found;
}

void check_sizes(const Survey& survey, const FrontOptions& options, const Samples& samples) {
    if (survey.other_sizes.empty()) return;
    Dump no_dump;
    const auto first = samples.at(0);
    Front front = make_front(options, first, no_dump, {});
    const Sizes sizes = find_sizes(options, front, first);
    // What a sequence holds may be of any size.
    const auto other = std::ranges::find_if(survey.other_sizes, [&](const OtherSize& one) {
        const auto input = front.file_graph.find_value(one.input);
        return input && !front.file_graph.value(*input).other;
    });
    if (sizes.free || other == survey.other_sizes.end()) return;
    throw Error({"SAMPLE_SIZES", fmt::format("{} and {}", samples.name_of(0), other->sample),
                 fmt::format("{}, but what is made for one of them does not serve the other: {}", other->sizes,
                             sizes.one_size.empty() ? "its file states it" : sizes.one_size),
                 "give samples of one size; `--resize HEIGHTxWIDTH` makes images so"});
}

}  // namespace calotype::compiler
