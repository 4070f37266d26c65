#pragma once

// What must stay on the host for what the samples show, or showed when a snapshot was made.

#include "base/thread_pool.hpp"
#include "calotype/compile.hpp"
#include "compiler/front.hpp"

namespace calotype::compiler {

/// Of the first `count` samples, in FP32. The references must outlive the result.
FindHostNodes host_nodes_seen(const std::string& npu, const Samples& samples, int64_t count, ThreadPool& pool);

/// As report.json of a snapshot tells.
FindHostNodes host_nodes_of(const std::string& report_json);

/// As an earlier split of the same model has it.
FindHostNodes host_nodes_of(const partition::Plan& plan);

/// What a quantized model states no scale for, where there are no samples to find one.
FindHostNodes host_nodes_without_scale(const std::string& npu);

}  // namespace calotype::compiler
