#include "compiler/computed_sizes.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "base/error.hpp"
#include "compiler/same_size.hpp"
#include "compiler/size_computation.hpp"
#include "compiler/sizes.hpp"
#include "lower/as_large_as.hpp"

namespace calotype::compiler {
namespace {

using graph::Graph;
using graph::Node;
using graph::NodeId;
using graph::ValueId;

/// Sizes of one part of the host.
class HostPart {
  public:
    HostPart(Front& front, size_t index) : front_(front), index_(index), graph_(front.plan.subgraphs[index].graph) {}

    void compute() {
        const Graph& file = front_.file_graph;
        for (const NodeId id : std::vector<NodeId>(graph_.nodes())) {
            const Node node = graph_.node(id);
            if (const NodeId source = node_of_file(file, node.sources, node.op); source != NodeId::none) {
                for (size_t i = 1; i < file.node(source).inputs.size(); ++i) compute(id, i, file.input(source, i));
            } else if (const NodeId expand = node_of_file(file, node.sources, "Expand");
                       expand != NodeId::none && node.op == "Resize") {
                compute(id, 3, file.input(expand, 1));
            } else if (const NodeId resize = node_of_file(file, node.sources, "Resize");
                       resize != NodeId::none && node.op == "Slice") {
                join(id, file.input(resize, 3));
            } else if (node.op == "Resize") {
                broadcast_again(id);
            }
        }
        graph_.remove_dead();
        graph_.sort();
    }

  private:
    /// Sizes that the part can compute.
    struct Known {
        SizeComputation computation;
        std::map<ValueId, AtHand> at_hand;  ///< by the value of the file
        Tensor now;                         ///< what they are at the front's own size
    };
    /// Nothing where they would wait for what the node makes of them.
    std::optional<Known> known(ValueId of_file, NodeId for_node) const {
        const auto computation = computation_of(front_.file_graph, of_file);
        if (!computation) return {};
        Known found{*computation, {}, {}};
        std::map<ValueId, Dims> dims;
        for (const ValueId value : computation->measured) {
            const auto read = value_at_hand(front_, index_, value);
            if (!read || follows_from(read->name, for_node)) return {};
            const Dims own = *graph::concrete_dims(front_.graph, *front_.graph.find_value(read->name));
            if (!read->perm.empty() && read->perm.size() != own.size()) return {};
            found.at_hand.emplace(value, *read);
            dims.emplace(value, read->of_file(own));
        }
        found.now = evaluated(front_.file_graph, *computation, dims, front_.library);
        return found;
    }

    bool follows_from(const std::string& value, NodeId node) const {
        const auto id = graph_.find_value(value);
        std::vector<NodeId> left{id ? graph_.producer(*id) : NodeId::none};
        std::set<NodeId> seen{NodeId::none};
        while (!left.empty()) {
            const NodeId before = left.back();
            left.pop_back();
            if (before == node) return true;
            if (!seen.insert(before).second) continue;
            for (const ValueId input : graph_.node(before).inputs)
                left.push_back(input == ValueId::none ? NodeId::none : graph_.producer(input));
        }
        return false;
    }

    void compute(NodeId id, size_t input, ValueId of_file) {
        if (const auto found = known(of_file, id); found && states(id, input, found->now)) write(id, input, *found);
    }

    void write(NodeId id, size_t input, const Known& sizes) {
        std::map<ValueId, ValueId> measured;
        for (const auto& [value, read] : sizes.at_hand)
            measured[value] = turned(bring_into_part(front_, index_, read.name), read.perm, id);
        const ValueId made = copied(front_.file_graph, sizes.computation, std::move(measured), graph_, id);
        graph_.value(made).type = sizes.now.type();
        graph_.value(made).dims = sizes.now.dims();
        if (by_factors(id, input)) graph_.set_input(id, 2, ValueId::none);
        if (graph_.node(id).inputs.size() <= input) graph_.node(id).inputs.resize(input + 1, ValueId::none);
        graph_.set_input(id, input, made);
    }

    /// The value as the file's lies. Nothing of it but its shape is read, for which ONNX Runtime turns no elements.
    ValueId turned(ValueId value, const std::vector<int64_t>& perm, NodeId before) {
        if (perm.empty()) return value;
        const std::string name = graph_.node(before).name + "/" + graph_.value(value).name + "/turned";
        Node transpose;
        transpose.name = graph_.unused_node_name(name);
        transpose.op = "Transpose";
        transpose.sources = graph_.node(before).sources;
        transpose.inputs = {value};
        transpose.outputs = {graph_.add_value(graph_.unused_value_name(name))};
        transpose.attributes["perm"] = perm;
        const ValueId made = transpose.outputs[0];
        graph_.insert_node(std::move(transpose), before);
        return made;
    }

    /// A Resize by whole factors and the Slice behind it, which one Resize of the file was made of for the NPU, are that
    /// one again.
    void join(NodeId slice, ValueId sizes_of_file) {
        const NodeId resize = graph_.producer(graph_.input(slice, 0));
        if (resize == NodeId::none || graph_.node(resize).op != "Resize" ||
            graph_.node(resize).sources != graph_.node(slice).sources)
            return;
        const auto found = known(sizes_of_file, slice);
        if (!found || !makes(slice, found->now)) return;
        for (size_t i = 1; i < graph_.node(slice).inputs.size(); ++i) graph_.set_input(slice, i, ValueId::none);
        graph_.set_input(slice, 0, graph_.input(resize, 0));
        graph_.node(slice).inputs.resize(3, ValueId::none);
        graph_.node(slice).op = "Resize";
        graph_.node(slice).attributes = graph_.node(resize).attributes;
        write(slice, 3, *found);
    }

    /// A Resize that was made of a sum or product for the NPU, which adds and multiplies maps of one shape, and perhaps a
    /// Gather that repeats the one channel: the host's operators broadcast by themselves.
    void broadcast_again(NodeId resize) {
        NodeId last = resize, reader = only_reader(resize);
        if (reader != NodeId::none && repeats_one_channel(reader)) last = reader, reader = only_reader(reader);
        if (reader == NodeId::none) return;
        const std::vector<std::string>& sources = graph_.node(resize).sources;
        const Node& sum = graph_.node(reader);
        if (sum.sources == sources && graph_.node(last).sources == sources && (sum.op == "Add" || sum.op == "Mul"))
            graph_.replace_uses(graph_.output(last), graph_.input(resize, 0));
    }
    NodeId only_reader(NodeId id) const {
        const std::vector<NodeId> readers = graph_.readers(graph_.output(id));
        return readers.size() == 1 && !graph_.is_output(graph_.output(id)) ? readers[0] : NodeId::none;
    }
    bool repeats_one_channel(NodeId id) const {
        const Node& node = graph_.node(id);
        if (node.op != "Gather" || graph::int_attribute(node, "axis", 0) != 1) return false;
        const auto dims = graph::concrete_dims(graph_, node.inputs[0]);
        return dims && dims->size() > 1 && (*dims)[1] == 1 && graph_.is_constant(node.inputs[1]);
    }

    /// A Resize whose sizes were whole factors.
    bool by_factors(NodeId id, size_t input) const {
        return graph_.node(id).op == "Resize" && input == 3 && graph_.input(id, 2) != ValueId::none;
    }

    /// Whether that is what the node reads, or for a Resize by factors what it makes.
    bool states(NodeId id, size_t input, const Tensor& sizes) const {
        const ValueId read = graph_.input(id, input);
        if (graph_.is_constant(read)) return *graph_.value(read).constant == sizes;
        return by_factors(id, input) && !graph_.node(id).attributes.contains("axes") && makes(id, sizes);
    }
    bool makes(NodeId id, const Tensor& sizes) const {
        const auto made = front_.graph.find_value(graph_.value(graph_.output(id)).name);
        const auto dims = made ? graph::concrete_dims(front_.graph, *made) : std::nullopt;
        return dims && sizes.type() == DataType::int64 && std::ranges::equal(sizes.values<int64_t>(), *dims);
    }

    Front& front_;
    size_t index_;
    Graph& graph_;
};

/// The value of the file, among those measured, whose height and width the computation makes the last of its result.
/// Asked with sizes that no arithmetic gives by chance.
ValueId followed(const Front& front, const SizeComputation& computation) {
    std::map<ValueId, Dims> dims;
    int64_t height = 10007, width = 20011;  // primes, others for each value
    for (const ValueId value : computation.measured) {
        dims[value] = {1, 3, height, width};
        height += 2 * 4999, width += 2 * 5003;
    }
    Tensor made;
    try {
        made = evaluated(front.file_graph, computation, dims, front.library);
    } catch (const Error&) {  // a value of five axes is measured, of which the file takes the last
        return ValueId::none;
    }
    if (made.type() != DataType::int64 || made.elements() != 4) return ValueId::none;
    const auto sizes = made.values<int64_t>();
    for (const auto& [value, of_value] : dims)
        if (sizes[2] == of_value[2] && sizes[3] == of_value[3]) return value;
    return ValueId::none;
}

/// A pooled map that is spread to the size of another one, and meets none in its part, is as large as what the file says.
void spread_as_the_file_says(Front& front, npu::FloatNetwork& network) {
    std::vector<npu::TensorId> spread = lower::spread_by_factors(network);
    for (const npu::TensorId tensor : spread) {
        const auto layer = std::ranges::find(network.layers, tensor, &npu::FloatLayer::output);
        for (const auto& [op, input] : {std::pair("Resize", 3), std::pair("Expand", 1)}) {
            const NodeId source = node_of_file(front.file_graph, layer->sources, op);
            if (source == NodeId::none) continue;
            const auto computation =
                computation_of(front.file_graph, front.file_graph.input(source, static_cast<size_t>(input)));
            const ValueId like = computation ? followed(front, *computation) : ValueId::none;
            const auto at_hand = like == ValueId::none ? std::nullopt : tensor_as_large(front, network, like);
            if (at_hand) lower::spread_as_large_as(network, tensor, *at_hand);
            break;
        }
    }
}

}  // namespace

void compute_sizes_in_parts(Front& front) {
    if (!leaves_sizes_free(front.file_graph)) return;
    for (size_t k = 0; k < front.plan.subgraphs.size(); ++k) {
        if (front.plan.subgraphs[k].device == partition::Device::cpu)
            HostPart(front, k).compute();
        else
            spread_as_the_file_says(front, front.plan.subgraphs[k].network);
    }
}

}  // namespace calotype::compiler
