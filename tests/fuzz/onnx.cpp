// An ONNX file of any bytes: a graph or one Error. What was read can be written, and is the same when read again.

#include <span>

#include "base/error.hpp"
#include "onnx/read.hpp"
#include "onnx/write.hpp"

namespace {

namespace onnx = calotype::onnx;

calotype::graph::Graph parse(std::span<const std::byte> bytes) { return onnx::parse(bytes, "m.onnx", "/nowhere"); }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
    try {
        const calotype::graph::Graph graph = parse(std::as_bytes(std::span(bytes, size)));
        graph.validate();
        const std::string written = onnx::write(graph);
        const calotype::graph::Graph again = parse(std::as_bytes(std::span(written)));
        CALOTYPE_ASSERT(onnx::write(again) == written, "a written graph is read as it was");
    } catch (const calotype::Error&) {
        return 0;
    }
    return 0;
}
