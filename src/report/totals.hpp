#pragma once

#include "npu/config.hpp"
#include "npu/program.hpp"
#include "partition/partition.hpp"

namespace calotype::report {

/// What both forms of a report end with.
struct Totals {
    int64_t npu_subgraphs = 0, cpu_subgraphs = 0;
    int64_t npu_macs = 0, cpu_macs = 0;
    double npu_share = 0;  ///< of all MACs; 1 where there are none and no operator runs on the host
    int64_t cycles = 0;
    double npu_us = 0, host_us = 0, boundaries_us = 0, latency_us = 0;
    double host_only_us = 0;                         ///< latency with no NPU at all
    double utilisation = 0;                          ///< MACs over what the array could do in the NPU's cycles
    int64_t arena_bytes = 0, lower_bound_bytes = 0;  ///< of the subgraph that needs most
};
Totals totals(const partition::Plan& plan, const std::vector<npu::Program>& programs, const npu::Config& config);

}  // namespace calotype::report
