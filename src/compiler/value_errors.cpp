#include "compiler/value_errors.hpp"

#include <algorithm>

#include "compiler/values.hpp"
#include "quantize/energy.hpp"
#include "quantize/statistics.hpp"

namespace calotype::compiler {
namespace {

/// One value of one sample, or of all.
struct Difference {
    quantize::Energy energy;
    int64_t differ = 0, other_shapes = 0;
    bool real = true;

    void add(const Difference& other) {
        energy.add(other.energy);
        differ += other.differ;
        other_shapes += other.other_shapes;
        real = other.real;
    }
};

Difference difference(const Tensor& exact, const Tensor& found) {
    Difference difference;
    difference.real = exact.type() == DataType::float32 || exact.type() == DataType::float64 ||
                      exact.type() == DataType::float16 || exact.type() == DataType::bfloat16;
    if (exact.dims() != found.dims()) {
        difference.other_shapes = 1;
        return difference;
    }
    if (exact.type() == DataType::string) {
        for (size_t i = 0; i < exact.strings().size(); ++i)
            difference.differ += exact.strings()[i] == found.strings()[i] ? 0 : 1;
        return difference;
    }
    const std::vector<double> a = to_doubles(exact), b = to_doubles(found);
    for (size_t i = 0; i < a.size(); ++i) {
        const bool same = a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]));
        if (!difference.real)
            difference.differ += same ? 0 : 1;
        else if (!same || std::isfinite(a[i]))  // infinities and NaN have no energy where they are right
            difference.energy.include(a[i], b[i]);
    }
    return difference;
}

/// Of a tensor, or of all that a sequence or optional holds.
Difference difference(const std::map<std::string, Tensor>& exact, const std::map<std::string, Tensor>& found,
                      const std::string& name) {
    const Kind kind = exact.contains(name) || found.contains(name) ? Kind::tensor : Kind::sequence;
    const std::vector<std::string> held = held_names(exact, name, kind);
    Difference difference;
    if (held != held_names(found, name, kind)) {
        difference.other_shapes = 1;
        return difference;
    }
    for (const std::string& part : held) difference.add(compiler::difference(exact.at(part), found.at(part)));
    difference.other_shapes = std::min<int64_t>(difference.other_shapes, 1);
    return difference;
}

std::vector<ValueError> values_to_weigh(const execute::Model& model) {
    std::vector<ValueError> values;
    const auto is_output = [&](const std::string& name) {
        return std::ranges::find(model.outputs, name, &execute::Port::name) != model.outputs.end();
    };
    for (size_t k = 0; k < model.subgraphs.size(); ++k) {
        const auto* cpu = std::get_if<execute::CpuSubgraph>(&model.subgraphs[k]);
        for (size_t i = 0; cpu != nullptr && i < cpu->outputs.size(); ++i)
            if (!is_output(cpu->outputs[i])) values.push_back({execute::name_of(*cpu, k), cpu->outputs[i]});
    }
    for (const execute::Port& output : model.outputs) values.push_back({{}, output.name});
    return values;
}

}  // namespace

std::vector<ValueError> value_errors(const FrontOptions& options, const Front& front, const execute::Model& model,
                                     const Samples& samples, int64_t count, ThreadPool& pool) {
    std::vector<ValueError> errors = values_to_weigh(model);
    std::vector<std::string> inner, outputs;
    for (const ValueError& error : errors) (error.subgraph.empty() ? outputs : inner).push_back(error.name);
    const SnapshotValues values = snapshot_values(options, front, model, inner, outputs, samples);
    std::vector<Difference> total(errors.size());
    quantize::in_order<std::vector<Difference>>(
        count, pool.threads(), pool,
        [&](int64_t sample) {
            const auto exact = values.exact(sample), found = values.found(sample);
            std::vector<Difference> one;
            for (const ValueError& error : errors) one.push_back(difference(exact, found, error.name));
            return one;
        },
        [&](int64_t, std::vector<Difference>&& one) {
            for (size_t i = 0; i < total.size(); ++i) total[i].add(one[i]);
        });
    for (size_t i = 0; i < total.size(); ++i) {
        errors[i].snr_db = total[i].energy.decibels();
        errors[i].differ = total[i].differ;
        errors[i].real = total[i].real;
        errors[i].other_shapes = total[i].other_shapes;
    }
    return errors;
}

}  // namespace calotype::compiler
