#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/front.hpp"

namespace calotype::compiler {

/// A value of the front whose axes have the sizes of one of the file's at every size.
struct AtHand {
    std::string name;
    std::vector<int64_t> perm;  ///< axis i of the file's value is axis perm[i] of this one; empty: axis i

    Dims of_file(const Dims& dims) const;  ///< that value's, of this one's
};

/// Such a value that stands where part `index` can read it: itself, or what lies an activation, a batch normalization, a
/// convolution that keeps the size or a Transpose away from it. Channels may be others behind a convolution.
std::optional<AtHand> value_at_hand(const Front& front, size_t index, graph::ValueId of_file);

/// The tensor of an NPU part whose height and width are those of a value [N, C, H, W] of the file, likewise.
std::optional<npu::TensorId> tensor_as_large(const Front& front, const npu::FloatNetwork& network,
                                             graph::ValueId of_file);

/// That value of the front in the part's graph; an input of the part, and an output of an earlier one, from now on where it was none.
graph::ValueId bring_into_part(Front& front, size_t index, const std::string& value);

}  // namespace calotype::compiler
