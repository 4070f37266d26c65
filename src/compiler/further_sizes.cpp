// Sizes that `--shape` asks a program for.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "compiler/host_nodes.hpp"
#include "compiler/resized_maps.hpp"
#include "compiler/size_difference.hpp"
#include "compiler/sizes.hpp"

namespace calotype::compiler {
namespace {

using Sample = std::map<std::string, Tensor>;
using Shapes = std::vector<std::pair<std::string, Dims>>;

std::string spelled(const std::string& name, const Dims& dims) {
    return fmt::format("`--shape {}={}`", name, fmt::join(dims, "x"));
}

/// Throws where the input cannot have these dims by the file's own word.
void check(const Front& front, const std::string& name, const Dims& dims) {
    std::string known;
    for (const graph::ValueId id : front.file_graph.inputs) {
        const graph::Value& input = front.file_graph.value(id);
        known += fmt::format("{}`{}`", known.empty() ? "" : ", ", input.name);
        if (input.name != name) continue;
        if (input.other)
            throw Error({"SHAPE_FIXED", spelled(name, dims),
                         fmt::format("it is of the type {}",
                                     calotype::spelled(input.other->kind, name_of(input.other->element))),
                         "give shapes of inputs that are tensors"});
        Dims wanted = input.dims.value_or(Dims(dims.size(), -1));
        if (!wanted.empty() && wanted[0] < 0) wanted[0] = front.batch;
        const bool fits = std::equal(dims.begin(), dims.end(), wanted.begin(), wanted.end(),
                                     [](int64_t have, int64_t want) { return want < 0 || have == want; });
        if (fits) return;
        throw Error(
            {"SHAPE_FIXED", spelled(name, dims),
             fmt::format("the model takes {} (-1: any), the batch of a program is {}", to_string(wanted), front.batch),
             "give the model's own dims where they are not free"});
    }
    throw Error({"INPUT_UNKNOWN", spelled(name, dims), fmt::format("the model's inputs are {}", known)});
}

/// Inputs of zeros, one map a size.
std::vector<Sample> samples_of(const Sample& first, const Shapes& shapes) {
    std::vector<Sample> samples;
    std::map<std::string, size_t> given;
    for (const auto& [name, dims] : shapes) {
        const size_t index = given[name]++;
        if (index == samples.size()) samples.push_back(first);
        samples[index].insert_or_assign(name, Tensor(first.at(name).type(), dims));
    }
    return samples;
}

FurtherSize size_of(const Front& front) {
    FurtherSize size;
    for (const auto list : {&graph::Graph::inputs, &graph::Graph::outputs})
        for (const graph::ValueId id : front.graph.*list)
            size.dims.emplace(front.graph.value(id).name, front.graph.value(id).dims.value_or(Dims{}));
    for (const partition::Subgraph& part : front.plan.subgraphs) {
        std::vector<Dims>& inputs = size.npu_inputs.emplace_back();
        for (const npu::Placement& input : part.network.inputs)
            inputs.push_back(part.network.tensors[index_of(input.tensor)].shape);
    }
    return size;
}

}  // namespace

std::vector<FurtherSize> further_sizes(const FrontOptions& options, Front& front, const Sizes& sizes,
                                       const Sample& sample, const Shapes& shapes) {
    for (const auto& [name, dims] : shapes) check(front, name, dims);
    std::vector<FurtherSize> further;
    const FurtherSize first = size_of(front);
    for (const Sample& zeros : samples_of(sample, shapes)) {
        std::string subject;
        for (const auto& [name, tensor] : zeros)
            subject += fmt::format("{}`{}` as {}", subject.empty() ? "" : ", ", name, to_string(tensor.dims()));
        Dump no_dump;
        Front other = make_front(options, zeros, no_dump, host_nodes_of(front.plan));
        FurtherSize size = size_of(other);
        if (size.dims == first.dims) continue;  // the first sample's
        std::string cause = sizes.one_size;
        if (cause.empty()) cause = split_difference(front, other);
        if (cause.empty()) {
            follow_resized_maps(front, other);
            count_crops_from_the_end(front, other);
            cause = size_difference(front, other);
        }
        if (!cause.empty())
            throw Error({"SHAPE_BOUND", subject,
                         fmt::format("the network made with the first sample cannot serve that size: {}", cause),
                         "compile once more with samples of that size, into a snapshot of its own"});
        further.push_back(std::move(size));
    }
    return further;
}

}  // namespace calotype::compiler
