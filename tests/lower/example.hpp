#pragma once

// Small graphs to lower, written in a line each.

#include <numeric>
#include <string>
#include <vector>

#include "graph/graph.hpp"

namespace calotype::sketch {

struct Example {
    graph::Graph graph;
    int seed = 1;

    graph::ValueId input(Dims dims, DataType type = DataType::float32) {
        const auto id = graph.add_value(graph.unused_value_name("x"), type, std::move(dims));
        graph.inputs.push_back(id);
        return id;
    }
    graph::ValueId constant(Dims dims) {
        Tensor tensor(DataType::float32, std::move(dims));
        for (float& x : tensor.values<float>()) x = static_cast<float>((seed = seed * 137 % 1009) % 201 - 100) / 100.0F;
        return graph.add_constant(graph.unused_value_name("c"), std::move(tensor));
    }
    graph::ValueId scalar(float x) {
        return graph.add_constant(graph.unused_value_name("c"), Tensor::of<float>({}, std::vector<float>{x}));
    }
    graph::ValueId integers(const std::vector<int64_t>& values) {
        return graph.add_constant(graph.unused_value_name("i"),
                                  Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values));
    }
    graph::ValueId node(const std::string& op, std::vector<graph::ValueId> inputs, Dims dims,
                        std::map<std::string, graph::Attribute> attributes = {}) {
        const auto output = graph.add_value(graph.unused_value_name("y_" + op), DataType::float32, std::move(dims));
        graph.add_node({.name = graph.unused_node_name(op),
                        .op = op,
                        .domain = "",
                        .inputs = std::move(inputs),
                        .outputs = {output},
                        .attributes = std::move(attributes),
                        .sources = {}});
        return output;
    }
    graph::ValueId conv(graph::ValueId x, int64_t channels, int64_t kernel = 1) {
        const Dims dims = *graph.value(x).dims;
        const int64_t pad = kernel / 2;
        return node("Conv", {x, constant({channels, dims[1], kernel, kernel}), constant({channels})},
                    {dims[0], channels, dims[2], dims[3]}, {{"pads", std::vector<int64_t>{pad, pad, pad, pad}}});
    }
};

}  // namespace calotype::sketch
