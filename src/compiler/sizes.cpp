#include "compiler/sizes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "compiler/grown_samples.hpp"
#include "compiler/host_nodes.hpp"
#include "compiler/resized_maps.hpp"
#include "compiler/size_difference.hpp"
#include "observe/observe.hpp"

namespace calotype::compiler {
namespace {

// Odd changes first, which show what depends on a remainder; then the smallest that networks of many strides can take.
constexpr int64_t kGrowthPixels[] = {3, -3, 2, 4, 8, 16, 32, -32, 64};

/// The model brought to the split at another size. Nothing where that says nothing; throws Error where the model does not
/// take it.
std::optional<Front> front_at(const FrontOptions& options, const Front& front, const Sample& sample, int64_t pixels,
                              Apart apart) {
    const auto other = grown(front.file_graph, sample, pixels, apart);
    if (!other || (pixels < 0 && !windows_fit(front.graph, sample, *other))) return std::nullopt;
    Dump no_dump;
    return make_front(options, *other, no_dump, host_nodes_of(front.plan));
}

/// Dims of the inputs and outputs, -1 where they differ.
std::map<std::string, Dims> ports_of(const Front& a, const Front& b) {
    std::map<std::string, Dims> ports;
    for (const auto list : {&graph::Graph::inputs, &graph::Graph::outputs}) {
        for (size_t i = 0; i < (a.graph.*list).size(); ++i) {
            const graph::Value& value = a.graph.value((a.graph.*list)[i]);
            Dims dims = value.dims.value_or(Dims{});
            const Dims other = b.graph.value((b.graph.*list)[i]).dims.value_or(Dims{});
            for (size_t axis = 0; axis < dims.size() && axis < other.size(); ++axis)
                if (dims[axis] != other[axis]) dims[axis] = -1;
            ports.emplace(value.name, std::move(dims));
        }
    }
    return ports;
}

/// What differs at a size far away. Where the same nodes are split otherwise a limit may lie between: nothing is said. A stride
/// rounds too: a size 3 less may give the very outputs, so ports are compared.
std::string far_difference(const FrontOptions& options, Front& front, const Sample& sample,
                           std::map<std::string, Dims>& ports) {
    try {
        Dump no_dump;
        Front far = make_front(options, sample, no_dump, host_nodes_of(front.plan));
        for (const auto& [name, dims] : ports_of(front, far)) {
            Dims& port = ports.at(name);
            for (size_t axis = 0; axis < port.size() && axis < dims.size(); ++axis)
                if (dims[axis] == -1) port[axis] = -1;
        }
        follow_resized_maps(front, far);
        count_crops_from_the_end(front, far);
        if (!split_difference(front, far).empty()) return node_of_one_size(front, far);
        std::string otherwise = other_layers(front, far);
        return otherwise.empty() ? size_difference(front, far) : otherwise;
    } catch (const Error&) {  // it need not be a size of the model
        return {};
    }
}

/// The search for sizes with one way of growing.
class Search {
  public:
    Search(const FrontOptions& options, Front& front, const Sample& sample, Apart apart, Sizes& sizes)
        : options_(options), front_(front), sample_(sample), apart_(apart), sizes_(sizes) {}

    /// True once it is known whether the network serves others.
    bool decides(int64_t step) {
        std::optional<Front> other;
        try {
            other = front_at(options_, front_, sample_, step, apart_);
            if (!other) return false;
            taken_ = true;
            follow_resized_maps(front_, *other);
            count_crops_from_the_end(front_, *other);
            // A limit of the NPU may lie between the two sizes, or a bound that larger maps reach (x[:, :, :24] of 24
            // rows): then smaller ones are no proof.
            std::string otherwise = split_difference(front_, *other);
            if (otherwise.empty()) {
                otherwise = other_layers(front_, *other);
                if (!otherwise.empty()) other_layers_at_.insert(step);
            }
            if (!otherwise.empty() || other_layers_at_.contains(-step)) {
                if (not_taken_.empty()) not_taken_ = otherwise;
                return false;
            }
            compare(*other, std::abs(step) == 3 ? 1 : std::abs(step));  // smaller steps were not found to do
            return true;
        } catch (const Error& error) {
            if (not_taken_.empty())
                not_taken_ = fmt::format("the model itself does not take them: {}", error.text().fact);
            return false;
        }
    }

    bool taken() const { return taken_; }                        ///< some size, by the model, whatever became of it
    const std::string& not_taken() const { return not_taken_; }  ///< by the model itself, or split otherwise

  private:
    void compare(const Front& other, int64_t step) {
        sizes_.one_size = size_difference(front_, other);
        if (sizes_.one_size.empty()) sizes_.one_size = remainder_difference(front_, other, step);
        if (!sizes_.one_size.empty()) return;
        auto ports = ports_of(front_, other);
        const bool reads_shapes = !observe::values_from_shapes(front_.file_graph).empty();
        for (const Halved halved : {Halved::down, Halved::up}) {
            if (halved == Halved::up && (!reads_shapes || !sizes_.one_size.empty())) continue;
            const Sample far = grown_far(front_.file_graph, sample_, step, halved, apart_);
            sizes_.one_size = far_difference(options_, front_, far, ports);
        }
        sizes_.free = sizes_.one_size.empty();
        if (!sizes_.free) return;
        sizes_.step = step;
        sizes_.ports = std::move(ports);
        if (step != 1) sizes_.off_step = not_taken_;
    }

    const FrontOptions& options_;
    Front& front_;
    const Sample& sample_;
    Apart apart_;
    Sizes& sizes_;
    bool taken_ = false;
    std::string not_taken_;
    std::set<int64_t> other_layers_at_;
};

}  // namespace

bool leaves_sizes_free(const graph::Graph& file_graph) {
    return std::ranges::any_of(file_graph.inputs, [&](graph::ValueId id) {
        const auto& dims = file_graph.value(id).dims;
        return dims && dims->size() > 1 && std::any_of(dims->begin() + 1, dims->end(), [](int64_t d) { return d < 0; });
    });
}

Sizes find_sizes(const FrontOptions& options, Front& front, const Sample& sample) {
    Sizes sizes;
    if (!leaves_sizes_free(front.file_graph)) return sizes;
    for (const graph::ValueId id : front.file_graph.inputs) {
        const graph::Value& input = front.file_graph.value(id);
        if (input.dims) sizes.ports.emplace(input.name, *input.dims);
    }
    for (const Apart apart : ways_to_grow(front.file_graph, sample)) {
        Search search(options, front, sample, apart, sizes);
        for (const int64_t step : kGrowthPixels)
            if (search.decides(step)) return sizes;
        sizes.one_size = fmt::format("no other was found that it can have; {}", search.not_taken());
        if (search.taken()) break;  // what the model takes unlike is not to be proven with like ones
    }
    return sizes;
}

}  // namespace calotype::compiler
