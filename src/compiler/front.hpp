#pragma once

// Model file to ordered subgraphs: what compile, explain and measure have in common.

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compiler/dump.hpp"
#include "execute/model.hpp"
#include "graph/graph.hpp"
#include "npu/config.hpp"
#include "ort/library.hpp"
#include "partition/partition.hpp"

namespace calotype::compiler {

struct FrontOptions {
    std::filesystem::path model;
    std::string npu;
    std::vector<std::string> disabled_rewrites;
    ort::Access access;
};

struct Front {
    npu::Config config;
    ort::Library library;
    graph::Graph file_graph;  ///< as imported: free dims
    graph::Graph graph;       ///< with the first sample's shapes, optimized
    partition::Plan plan;
    int64_t batch = 1;  ///< samples of one run
};

/// Of the optimized graph, before it is split.
using FindHostNodes = std::function<partition::HostNodes(const graph::Graph& graph, const ort::Library& library)>;

/// `host_nodes` may be empty: then no node stays on the host for its ranges.
Front make_front(const FrontOptions& options, const std::map<std::string, Tensor>& sample, Dump& dump,
                 const FindHostNodes& host_nodes);

}  // namespace calotype::compiler
