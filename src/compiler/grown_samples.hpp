#pragma once

// Samples of other sizes, by which the numbers that come from a shape are told from those that do not.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "graph/graph.hpp"

namespace calotype::compiler {

using Sample = std::map<std::string, Tensor>;

/// Which dims of one size grow by unlike steps, so that none is taken for another.
enum class Apart { all, of_an_input, none };

/// Zeros of the sample's shapes, every dim that the file leaves free but the batch grown by `pixels` or some times as
/// many. What has none stays as it is: it may be a size. Nothing where a dim would end below 1: that one would say
/// nothing of other sizes.
std::optional<Sample> grown(const graph::Graph& file, const Sample& sample, int64_t pixels, Apart apart);

/// Likewise, 64 to 128 pixels larger (and 64 more for each dim of one size before it) by a multiple of `step_pixels`: a
/// quotient (H / 32) that is the same a few pixels on is another there. What any number of halvings leave of these sizes is
/// odd, where each rounds down or where it rounds up: one such remainder may happen to be the first sample's.
enum class Halved { down, up };
Sample grown_far(const graph::Graph& file, const Sample& sample, int64_t step_pixels, Halved halved, Apart apart);

/// Those ways of growing that are not the same for the sample, the most telling first.
std::vector<Apart> ways_to_grow(const graph::Graph& file, const Sample& sample);

/// Whether every window lies in its map, were each as many pixels smaller as an axis of the sample is in `smaller`. Where
/// one does not, ONNX Runtime infers negative sizes, and what it does with those may end the process.
bool windows_fit(const graph::Graph& graph, const Sample& sample, const Sample& smaller);

}  // namespace calotype::compiler
