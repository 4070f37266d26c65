#include "base/input_rules.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"

namespace calotype {
namespace {

bool fits(const Dims& found, std::span<const int64_t> wanted) {
    return std::equal(found.begin(), found.end(), wanted.begin(), wanted.end(),
                      [](int64_t have, int64_t want) { return want < 0 || have == want; });
}

std::string how_to_convert(DataType wanted) {
    if (wanted == DataType::string) return "give it as .astype(str), and check that strings are meant for the model";
    if (is_narrow(wanted))
        return fmt::format("give it as .astype(ml_dtypes.{}), or its codes as uint8, one an element", name_of(wanted));
    return fmt::format("give it as .astype(numpy.{}), and check that its values are meant for the model",
                       name_of(wanted));
}

}  // namespace

bool holds_codes_of(DataType found, DataType wanted) { return found == DataType::uint8 && is_narrow(wanted); }

void check_input_type(DataType found, DataType wanted, Boundary boundary, const std::string& subject,
                      const std::string& input) {
    const bool bytes = (boundary == Boundary::uint8 && found == DataType::uint8) ||
                       (boundary == Boundary::int8 && found == DataType::int8);
    if (found == wanted || bytes || holds_codes_of(found, wanted)) return;
    throw Error({"INPUT_TYPE", subject,
                 fmt::format("its type is {}, the input `{}` takes {}", name_of(found), input, name_of(wanted)),
                 how_to_convert(wanted)});
}

void check_codes(const TensorView& array, DataType wanted, const std::string& subject) {
    const int most = (1 << bits_of(wanted)) - 1;
    const int64_t count = element_count(array.dims);
    for (int64_t i = 0; i < count; ++i) {
        const int code = std::to_integer<int>(array.bytes[i]);
        if (code > most)
            throw Error({"INPUT_TYPE", subject,
                         fmt::format("element {} is {}, the codes of {} are 0 to {}", i, code, name_of(wanted), most),
                         how_to_convert(wanted)});
    }
}

std::string layout_hint(std::span<const int64_t> found, std::span<const int64_t> wanted) {
    const size_t rank = wanted.size();
    if (rank < 3 || rank > 5 || (found.size() != rank && found.size() + 1 != rank)) return {};
    Dims given(found.begin(), found.end());
    if (given.size() < rank) given.insert(given.begin(), 1);
    const auto first_to_last = [&](Dims dims) {
        std::rotate(dims.begin() + 1, dims.begin() + 2, dims.end());
        return dims;
    };
    const auto last_to_first = [&](Dims dims) {
        std::rotate(dims.begin() + 1, dims.end() - 1, dims.end());
        return dims;
    };
    given[0] = wanted[0] < 0 ? given[0] : wanted[0];  // the batch is another question
    const bool one_less = found.size() < rank;
    const auto move = [&](int from, int to) {
        return fmt::format("numpy.moveaxis(array, {}, {}) puts them there", from, to - (one_less && to > 0 ? 1 : 0));
    };
    if (fits(last_to_first(given), wanted)) return "its channels stand last, the input has them first: " + move(-1, 1);
    if (fits(first_to_last(given), wanted))
        return "its channels stand first, the input has them last: " + move(one_less ? 0 : 1, -1);
    return {};
}

}  // namespace calotype
