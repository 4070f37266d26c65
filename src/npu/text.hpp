#pragma once

// Networks and programs as numbered text, one layer a line: what `--dump` writes. Long constants are left out.

#include <string>

#include "npu/layer.hpp"
#include "npu/program.hpp"

namespace calotype::npu {

std::string to_text(const FloatNetwork& network);
/// With each tensor's range of reals [scale * (-128 - zero point), scale * (127 - zero point)], the widest where it has
/// one a channel, and the kind of output stage.
std::string to_text(const Network& network);
/// Steps with their costs, and where each tensor lies.
std::string to_text(const Program& program, const Network& network);

}  // namespace calotype::npu
