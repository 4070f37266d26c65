#pragma once

// What the samples of a compilation and the inputs of a run must keep alike.

#include <span>
#include <string>

#include "calotype/port.hpp"

namespace calotype {

/// An input has its own type; where whole numbers of one byte cross the boundary, those bytes do as well, and uint8 holds
/// the codes of narrow types, which NumPy lacks. Throws Error INPUT_TYPE for any other: a conversion would hide that the
/// values were meant for another model.
void check_input_type(DataType found, DataType wanted, Boundary boundary, const std::string& subject,
                      const std::string& input);

/// Whether arrays of `found` are what narrow elements of `wanted` are kept as.
bool holds_codes_of(DataType found, DataType wanted);

/// Throws Error INPUT_TYPE where a byte of the array is no code of the narrow type `wanted`.
void check_codes(const TensorView& array, DataType wanted, const std::string& subject);

/// What to do with a map whose channels stand at the other end than the input's (-1: any); empty where it is no such.
std::string layout_hint(std::span<const int64_t> found, std::span<const int64_t> wanted);

}  // namespace calotype
