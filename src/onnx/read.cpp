#include "onnx/read.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/limits.hpp"
#include "onnx/finite.hpp"
#include "onnx/read_parts.hpp"

namespace calotype::onnx {

void broken(std::string subject, std::string fact, std::string hint) {
    throw Error({"ONNX_INVALID", std::move(subject), std::move(fact), std::move(hint)});
}

void beyond(int64_t Limits::* limit, std::string subject, std::string fact) {
    throw Error({"LIMIT_ONNX", std::move(subject), std::move(fact), how_to_raise(limit)});
}

graph::Graph parse(std::span<const std::byte> bytes, std::string_view name, const std::filesystem::path& folder,
                   const Limits& limits) {
    const std::string file = fmt::format("`{}`", name);
    if (bytes.empty()) broken(file, "it is empty", "check that the file arrived whole");
    try {
        const Deadline deadline(limits, "the model", "reading it");
        graph::Graph graph = link(read_model(Message(bytes, "ModelProto"), {folder, limits, deadline}), deadline);
        deadline.check();
        refuse_not_finite(graph);
        refuse_many_dims(graph);
        refuse_endless_loops(graph, limits);
        deadline.check();
        graph.sort();
        upgrade(graph, deadline);
        compute_in_float32(graph);
        return graph;
    } catch (const Error& error) {
        ErrorText text = error.text();
        text.subject = text.subject == "the model" ? file : fmt::format("{}: {}", file, text.subject);
        throw Error(std::move(text));
    } catch (const Damage& damage) {
        broken(file, fmt::format("it is no ONNX model, or damaged: {}", damage.what()),
               "check that the file arrived whole");
    } catch (const std::bad_alloc&) {
        broken(file, "it asks for more memory than there is", "check that the file arrived whole");
    }
}

graph::Graph read(const std::filesystem::path& path, const Limits& limits) {
    return parse(read_file(path), path.string(), path.has_parent_path() ? path.parent_path() : ".", limits);
}

}  // namespace calotype::onnx
