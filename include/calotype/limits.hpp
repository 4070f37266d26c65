#pragma once

#include <cstdint>

namespace calotype {

/// What a file may ask for at most. Beyond it is an Error LIMIT_* that names the thing and the option that raises it.
struct Limits {
    int64_t memory_bytes = 0;                   ///< of all tensors of one run; 0: half the machine's memory
    int64_t run_seconds = 600;                  ///< of one run in ONNX Runtime, and of each stage before it
    int64_t node_macs = int64_t{1} << 40;       ///< of one node: it cannot be interrupted
    int64_t tensor_elems = int64_t{1} << 31;    ///< of one tensor
    int64_t folded_bytes = int64_t{128} << 20;  ///< of constants computed here, beyond the file's own
    int64_t nesting = 32;                       ///< subgraphs and functions inside one another
    int64_t function_nodes = 1'000'000;         ///< nodes once every function stands where it is called
    int64_t loop_trips = 10'000;                ///< of a Loop with a constant count that nothing ends before
};

}  // namespace calotype
