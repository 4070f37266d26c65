#pragma once

#include <string>

#include "execute/model.hpp"

namespace calotype::snapshot {

/// Whether a network can run without reading or writing outside its tensors: ids, shapes, sizes of all vectors, ranges.
/// Throws Error SNAPSHOT_DAMAGED; `where` names the network.
void check_network(const npu::Network& network, const std::string& where);

/// Whether a program is one of this network: order, shapes, placements.
void check_program(const npu::Network& network, const npu::Program& program, const std::string& where);

/// Whether every value that a subgraph or the model's outputs read has been made before.
void check_flow(const execute::Model& model);

/// All of these, of a model that was just made: what is written is what `read` takes.
void check_model(const execute::Model& model);

}  // namespace calotype::snapshot
