#pragma once

#include <string>
#include <vector>

#include "npu/config.hpp"
#include "npu/program.hpp"
#include "partition/partition.hpp"

namespace calotype::report {

/// What runs where, why not on the NPU, and what it costs, for people: columns, then totals. `programs` has one program
/// an NPU subgraph, in the order of the plan.
std::string explain_text(const partition::Plan& plan, const std::vector<npu::Program>& programs,
                         const npu::Config& config, const std::string& model);
/// The same facts as JSON.
std::string explain_json(const partition::Plan& plan, const std::vector<npu::Program>& programs,
                         const npu::Config& config, const std::string& model);

}  // namespace calotype::report
