#pragma once

// What an input or output holds. One that is no tensor travels as the tensors it holds, each under a name of its own: in
// samples and runs, in .npz files and in a snapshot.
//
//     a sequence `x` of three   x[0], x[1], x[2]
//     a sequence of none        x[], an array without elements
//     an optional               what it holds; nothing, where it holds nothing

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace calotype {

enum class Kind : uint8_t { tensor, sequence, optional_tensor, optional_sequence };

inline bool is_sequence(Kind kind) { return kind == Kind::sequence || kind == Kind::optional_sequence; }
inline bool is_optional(Kind kind) { return kind == Kind::optional_tensor || kind == Kind::optional_sequence; }

/// "tensor", "sequence", "optional tensor", "optional sequence".
std::string_view name_of(Kind kind);
/// A type as ports show it: "float32", "sequence(float32)", "optional(sequence(float32))".
std::string spelled(Kind kind, std::string_view type);

/// "x[2]".
std::string element_name(std::string_view sequence, int64_t index);
/// "x[]", of a sequence that has no elements.
std::string empty_name(std::string_view sequence);
/// "x" of "x[2]" and of "x[]"; empty where the name is none of an element.
std::string sequence_name(std::string_view element);

/// The names, among those of `values` (a map or a set), of what the value `name` of that kind holds, in order; none of an
/// absent one.
template <class Values>
std::vector<std::string> held_names(const Values& values, const std::string& name, Kind kind) {
    std::vector<std::string> names;
    if (!is_sequence(kind)) {
        if (values.contains(name)) names.push_back(name);
        return names;
    }
    if (values.contains(empty_name(name))) return {empty_name(name)};
    for (std::string next = element_name(name, 0); values.contains(next);
         next = element_name(name, static_cast<int64_t>(names.size())))
        names.push_back(next);
    return names;
}

}  // namespace calotype
