#include "execute/batch.hpp"

#include <fmt/format.h>

#include <set>

#include "base/elements.hpp"
#include "base/input_rules.hpp"

namespace calotype::execute {
namespace {

bool has_batch(const Model& model, const Port& port) {
    return !port.dims.empty() && (port.dims[0] == -1 || port.dims[0] == model.batch);
}

std::string subject_of(const Port& port) { return fmt::format("input `{}`", port.name); }

void check_type(const Port& port, const TensorView& array) {
    check_input_type(array.type, port.type, port.boundary, subject_of(port), port.name);
    if (array.type != port.type && holds_codes_of(array.type, port.type))
        check_codes(array, port.type, subject_of(port));
}

[[noreturn]] void wrong_shape(const Port& port, const TensorView& array, const std::string& hint) {
    const std::string layout = layout_hint(array.dims, port.dims);
    throw Error(
        {"INPUT_SHAPE", subject_of(port),
         fmt::format("its shape is {}, the model takes {} (-1: any)", to_string(array.dims), to_string(port.dims)),
         hint});
}

/// Of an array whose shape fits: refuses a size that no program can be made for.
void check_size(const Model& model, const Port& port, const TensorView& array) {
    if (array.dims.size() != port.dims.size()) return;
    const std::string fault = size_fault(model, port, array.dims);
    if (!fault.empty())
        throw Error({"INPUT_SHAPE", subject_of(port), fmt::format("its shape is {}, {}", to_string(array.dims), fault),
                     "give such a size, or compile with samples of the other one"});
}

bool same_but_free(std::span<const int64_t> wanted, std::span<const int64_t> found) {
    if (wanted.size() != found.size()) return false;
    for (size_t i = 0; i < wanted.size(); ++i) {
        if (wanted[i] != -1 && wanted[i] != found[i]) return false;
    }
    return true;
}

/// Runs that one array makes; 0 where the array is the same for any number of them.
int64_t runs_of(const Model& model, const Port& port, const TensorView& array) {
    const std::span<const int64_t> found(array.dims), wanted(port.dims);
    if (has_batch(model, port)) {
        if (found.size() != wanted.size() || !same_but_free(wanted.subspan(1), found.subspan(1))) {
            wrong_shape(port, array, "give [batch, ...]: a single sample has a batch of 1 in front");
        }
        if (found[0] < 1 || found[0] % model.batch != 0) {
            wrong_shape(port, array, fmt::format("give a batch that {} divides, at least that", model.batch));
        }
        return found[0] / model.batch;
    }
    if (same_but_free(wanted, found)) return 0;
    if (found.size() != wanted.size() + 1 || !same_but_free(wanted, found.subspan(1)) || found[0] < 1) {
        wrong_shape(port, array, "give one array of that shape, or one a run stacked in front");
    }
    return found[0];
}

/// Of a model that is run whole: nothing is cut.
void check_whole(const Port& port, const std::map<std::string, TensorView>& inputs,
                 const std::vector<std::string>& names) {
    if (names.empty() && !is_optional(port.kind))
        throw Error({"INPUT_MISSING", subject_of(port),
                     fmt::format("no {} was given for it", port.kind == Kind::tensor ? "array" : "sequence"),
                     "give each input; a sequence without elements is one, too"});
    for (const std::string& name : names) {
        check_type(port, inputs.at(name));
        if (is_sequence(port.kind) && name == empty_name(port.name) && element_count(inputs.at(name).dims) > 0)
            throw Error({"INPUT_SHAPE", fmt::format("input `{}`", name),
                         fmt::format("its shape is {}, and it stands for a sequence without elements",
                                     to_string(inputs.at(name).dims)),
                         "give the elements under names of their own: `x[0]` is the first of `x`"});
    }
    if (port.kind == Kind::tensor && !same_but_free(port.dims, inputs.at(port.name).dims))
        wrong_shape(port, inputs.at(port.name),
                    "give that shape: a model of sequences or optionals is run whole, its batch is not cut");
}

/// The array as one of the port's type, which uint8 may hold the codes of.
TensorView typed(TensorView array, const Port& port) {
    if (holds_codes_of(array.type, port.type)) array.type = port.type;
    return array;
}

std::string known_inputs(const Model& model) {
    std::string known;
    for (const Port& port : model.inputs) known += (known.empty() ? "`" : ", `") + port.name + "`";
    return known;
}

/// 1: the whole.
int64_t count_whole_run(const Model& model, const std::map<std::string, TensorView>& inputs) {
    std::set<std::string> used;
    for (const Port& port : model.inputs) {
        const std::vector<std::string> names = held_names(inputs, port.name, port.kind);
        check_whole(port, inputs, names);
        used.insert(names.begin(), names.end());
    }
    for (const auto& [name, array] : inputs)
        if (!used.contains(name))
            throw Error({"INPUT_UNKNOWN", fmt::format("input `{}`", name),
                         fmt::format("the model has {}", known_inputs(model)),
                         "the elements of a sequence `x` are `x[0]`, `x[1]` and so on, without a gap"});
    return 1;
}

}  // namespace

int64_t count_runs(const Model& model, const std::map<std::string, TensorView>& inputs) {
    if (!of_tensors(model)) return count_whole_run(model, inputs);
    int64_t runs = 0;
    std::string first;
    for (const Port& port : model.inputs) {
        const auto array = inputs.find(port.name);
        if (array == inputs.end()) {
            throw Error(
                {"INPUT_MISSING", subject_of(port), "no array was given for it", "give one array for each input"});
        }
        check_type(port, array->second);
        const int64_t own = runs_of(model, port, array->second);
        check_size(model, port, array->second);
        if (own != 0 && runs != 0 && own != runs) {
            throw Error(
                {"INPUT_SHAPE", subject_of(port),
                 fmt::format("it holds {} samples, `{}` holds {}", own * model.batch, first, runs * model.batch),
                 "give as many of each"});
        }
        if (own != 0 && runs == 0) {
            runs = own;
            first = port.name;
        }
    }
    for (const auto& entry : inputs) {
        const bool is_input =
            std::ranges::any_of(model.inputs, [&](const Port& port) { return port.name == entry.first; });
        if (!is_input) {
            throw Error({"INPUT_UNKNOWN", fmt::format("input `{}`", entry.first),
                         fmt::format("the model has {}", known_inputs(model)), ""});
        }
    }
    return std::max<int64_t>(runs, 1);
}

std::map<std::string, TensorView> inputs_of_run(const Model& model, const std::map<std::string, TensorView>& inputs,
                                                int64_t index) {
    std::map<std::string, TensorView> run;
    if (!of_tensors(model)) {
        for (const Port& port : model.inputs)
            for (const std::string& name : held_names(inputs, port.name, port.kind))
                run.emplace(name, typed(inputs.at(name), port));
        return run;
    }
    for (const Port& port : model.inputs) {
        const TensorView view = typed(inputs.at(port.name), port);
        Dims dims = view.dims;
        if (has_batch(model, port)) {
            dims[0] = model.batch;
        } else if (dims.size() == port.dims.size() + 1) {
            dims.erase(dims.begin());
        } else {
            run.emplace(port.name, view);  // one array for all runs
            continue;
        }
        const int64_t elements = element_count(dims);
        run.emplace(port.name, part_of(view, std::move(dims), index * elements));
    }
    return run;
}

Tensor join(const Model& model, const Port& output, std::vector<Tensor> results) {
    const bool batched = has_batch(model, output) && !results.front().dims().empty();
    Dims dims = results.front().dims();
    const auto runs = static_cast<int64_t>(results.size());
    if (batched)
        dims[0] *= runs;
    else
        dims.insert(dims.begin(), runs);
    Tensor joined(results.front().type(), dims);
    int64_t first = 0;
    for (const Tensor& result : results) {
        if (result.dims() != results.front().dims()) {
            throw Error({"OUTPUT_SHAPE", fmt::format("output `{}`", output.name),
                         fmt::format("its shape {} differs from {} of another sample", to_string(result.dims()),
                                     to_string(results.front().dims())),
                         "run such samples one at a time, as `calotype run` does into a folder"});
        }
        put(result, joined, first);
        first += result.elements();
    }
    return joined;
}

}  // namespace calotype::execute
