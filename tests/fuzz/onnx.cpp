// An ONNX file of any bytes: a graph or one Error. What was read can be written, and is the same when read again.

#include <optional>
#include <span>
#include <string_view>

#include "base/error.hpp"
#include "onnx/read.hpp"
#include "onnx/write.hpp"

namespace {

namespace onnx = calotype::onnx;
using calotype::graph::Graph;

/// A million nodes, which functions may have written out, take minutes and gigabytes under the sanitizers.
Graph parse(std::string_view bytes) {
    calotype::Limits limits;
    limits.function_nodes = 10'000;
    return onnx::parse(std::as_bytes(std::span(bytes)), "m.onnx", "/nowhere", limits);
}

std::optional<Graph> parse_or_refuse(std::string_view bytes) {
    try {
        Graph graph = parse(bytes);
        graph.validate();
        return graph;
    } catch (const calotype::Error&) {
        return std::nullopt;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
    std::optional<Graph> graph = parse_or_refuse({reinterpret_cast<const char*>(bytes), size});
    // Reading upgrades the opset. Where that is a function's now, its calls are written out when it is read again, and
    // what is broken in it is seen.
    if (graph && !graph->local_functions.empty()) graph = parse_or_refuse(onnx::write(*graph));
    if (!graph) return 0;
    const std::string written = onnx::write(*graph);
    CALOTYPE_ASSERT(onnx::write(parse(written)) == written, "a written graph is read as it was");
    return 0;
}
