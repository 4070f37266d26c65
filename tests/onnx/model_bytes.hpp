#pragma once

// ONNX files written field by field, so that they can be wrong in any way.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "onnx/fields.hpp"
#include "onnx/protozero.hpp"
#include "onnx/read.hpp"

namespace calotype::onnx {

using protozero::pbf_writer;
using Fill = std::function<void(pbf_writer&)>;

inline graph::Graph parse_text(const std::string& bytes, const std::filesystem::path& folder = ".",
                               const Limits& limits = {}) {
    return parse(std::as_bytes(std::span(bytes)), "m.onnx", folder, limits);
}

inline std::string message(const std::string& bytes, const std::filesystem::path& folder = ".",
                           const Limits& limits = {}) {
    try {
        parse_text(bytes, folder, limits);
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

/// A message of its own.
inline std::string made(const Fill& fill) {
    std::string bytes;
    pbf_writer writer(bytes);
    fill(writer);
    return bytes;
}

inline std::string value_info(const std::string& name, std::vector<int64_t> dims = {4}) {
    const std::string shape = made([&](pbf_writer& w) {
        for (const int64_t dim : dims) {
            w.add_message(field::shape::dim, made([&](pbf_writer& d) { d.add_int64(field::dim::value, dim); }));
        }
    });
    const std::string tensor = made([&](pbf_writer& w) {
        w.add_int32(field::tensor_type::elem_type, 1);
        w.add_message(field::tensor_type::shape, shape);
    });
    return made([&](pbf_writer& w) {
        w.add_string(field::value_info::name, name);
        w.add_message(field::value_info::type,
                      made([&](pbf_writer& t) { t.add_message(field::type::tensor, tensor); }));
    });
}

inline void add_node(
    pbf_writer& graph, const std::string& op, const std::string& from, const std::string& to,
    const Fill& more = [](pbf_writer&) {}) {
    graph.add_message(field::graph::node, made([&](pbf_writer& w) {
                          w.add_string(field::node::input, from);
                          w.add_string(field::node::output, to);
                          w.add_string(field::node::name, op + "_of_" + from);
                          w.add_string(field::node::op_type, op);
                          more(w);
                      }));
}

/// A model whose graph reads `x` and gives `y`; `fill` adds the rest.
inline std::string model(const Fill& fill, int64_t opset = 17) {
    return made([&](pbf_writer& w) {
        w.add_message(field::model::opset_import,
                      made([&](pbf_writer& o) { o.add_int64(field::opset::version, opset); }));
        w.add_message(field::model::graph, made([&](pbf_writer& g) {
                          g.add_message(field::graph::input, value_info("x"));
                          g.add_message(field::graph::output, value_info("y"));
                          fill(g);
                      }));
    });
}

/// y = x + w with the tensor that `fill` writes.
inline std::string model_with_weights(const Fill& fill) {
    return model([&](pbf_writer& g) {
        g.add_message(field::graph::initializer, made([&](pbf_writer& t) {
                          t.add_string(field::tensor::name, "w");
                          fill(t);
                      }));
        add_node(g, "Add", "x", "y", [](pbf_writer& n) { n.add_string(field::node::input, "w"); });
    });
}

inline void four_floats(pbf_writer& t) {
    t.add_int64(field::tensor::dims, 4);
    t.add_int32(field::tensor::data_type, 1);
}

}  // namespace calotype::onnx
