#include "samples.hpp"

#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <set>

#include "base/elements.hpp"
#include "base/input_rules.hpp"
#include "base/narrow_types.hpp"
#include "calotype/error.hpp"
#include "samples/samples.hpp"

namespace calotype::python {
namespace {

/// Dicts of arrays that Python keeps; checked against the model like a file's arrays.
class Dicts : public Samples {
  public:
    explicit Dicts(std::vector<samples::InputSpec> inputs) : inputs_(std::move(inputs)) {}
    void add(nb::handle entry) {
        const std::string subject = "sample " + std::to_string(samples_.size());
        if (!nb::isinstance<nb::dict>(entry)) {
            throw Error({"SAMPLE_KIND", subject, "it is no dict", "give one dict of arrays by input name a sample"});
        }
        std::map<std::string, Array> sample;
        for (const auto& [key, value] : nb::cast<nb::dict>(entry)) {
            const auto name = nb::cast<std::string>(nb::str(key));
            const auto input = std::ranges::find(inputs_, name, &samples::InputSpec::name);
            if (input == inputs_.end()) {
                left_out_.insert(name);
                continue;
            }
            for (auto& [held, array] : arrays_of(value, name, input->type, input->kind)) {
                array.view.dims = samples::dims_of_one(array.view.dims, array.view.type, *input, subject);
                if (array.view.type != input->type && holds_codes_of(array.view.type, input->type)) {
                    check_codes(array.view, input->type, "`" + held + "` of " + subject);
                    array.view.type = input->type;
                }
                sample.emplace(held, std::move(array));
            }
        }
        for (const auto& input : inputs_)
            if (!is_optional(input.kind) && held_names(sample, input.name, input.kind).empty())
                samples::missing_input(input.name, left_out_, inputs_, subject);
        samples_.push_back(std::move(sample));
    }
    int64_t count() const override { return static_cast<int64_t>(samples_.size()); }
    std::map<std::string, Tensor> at(int64_t index) const override {
        std::map<std::string, Tensor> out;
        for (const auto& [name, array] : samples_[static_cast<size_t>(index)]) {
            Tensor& tensor = out[name] = copy_of(array.view);
            clear_unused_bits(tensor);
        }
        return out;
    }
    std::string sha256() const override { return samples::sha256_of(*this); }
    std::vector<std::string> notes() const override { return samples::left_out_notes(left_out_); }

  private:
    std::vector<samples::InputSpec> inputs_;
    std::set<std::string> left_out_;  // people keep labels beside the samples
    std::vector<std::map<std::string, Array>> samples_;
};

}  // namespace

std::unique_ptr<Samples> samples_of(nb::handle given, const std::filesystem::path& model, const Limits& limits,
                                    const std::string& npu) {
    const std::vector<samples::InputSpec> specs = samples::specs_of(model_inputs(model, limits), npu == "none");
    if (nb::isinstance<nb::str>(given) || nb::hasattr(given, "__fspath__")) {
        return std::make_unique<samples::Source>(samples::open(nb::cast<std::filesystem::path>(given), specs));
    }
    auto dicts = std::make_unique<Dicts>(specs);
    if (given.is_none()) return dicts;  // a quantized model
    if (!nb::isinstance<nb::iterable>(given) || nb::isinstance<nb::dict>(given))
        throw Error({"SAMPLE_KIND", "the samples", "they are neither a list of dicts nor a path",
                     "give one dict of arrays by input name a sample: [{\"x\": x[i:i+1]} for i in range(len(x))]"});
    for (const nb::handle entry : nb::iter(given)) dicts->add(entry);
    return dicts;
}

}  // namespace calotype::python
