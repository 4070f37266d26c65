#include "calotype/runner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <set>
#include <vector>

#include "base/counted.hpp"
#include "execute/prepared_model.hpp"
#include "runtime/load.hpp"
#include "runtime/ports.hpp"

namespace calotype {

struct Runner::Impl {
    snapshot::Contents contents;
    ThreadPool pool;
    execute::PreparedModel prepared;
    std::vector<PortInfo> inputs, outputs;
    std::function<void(std::string_view)> message;
    std::set<Dims> sizes_met;  // of all inputs, one after the other
    bool broken_met = false;
    std::mutex guard;  // one run at a time: they share the pool and its workspaces

    Impl(runtime::Loaded loaded, const RunnerOptions& options)
        : contents(std::move(loaded.contents)),
          pool(runtime::thread_count(options.threads)),
          prepared(contents.model, emulate::kernel_set(options.kernels), {options.ort_library, options.limits},
                   std::move(loaded.config)),
          inputs(runtime::port_infos(contents.model.inputs)),
          outputs(runtime::port_infos(contents.model.outputs)),
          message(options.message) {}

    /// Once of each size that no program of the snapshot is for it.
    std::string size_note(const std::map<std::string, TensorView>& arrays) {
        Dims sizes;
        std::string text;
        for (const execute::Port& port : contents.model.inputs) {
            if (port.kind != Kind::tensor) continue;
            const Dims& dims = arrays.at(port.name).dims;
            for (size_t axis = 1; axis < dims.size(); ++axis) sizes.push_back(dims[axis]);
            const auto is_of = [&](const Dims& made) {
                return dims.size() != made.size() || dims.empty() ||
                       std::equal(dims.begin() + 1, dims.end(), made.begin() + 1);
            };
            if (!is_of(port.made_for) && std::ranges::none_of(port.also_for, is_of))
                text += fmt::format("{}input `{}`: planned anew for {}, the programs of the snapshot are for {}",
                                    text.empty() ? "" : "; ", port.name, to_string(dims), execute::sizes_of(port));
        }
        return sizes_met.insert(sizes).second ? text : "";
    }

    /// Once of the first values that break their input's type.
    std::string broken_note() {
        const BrokenInputs broken = prepared.broken_inputs();
        if (broken.values == 0 || broken_met) return {};
        broken_met = true;
        return fmt::format(
            "{} not of the type, or far outside of the range, found on the calibration samples (first: {}): such are "
            "rounded and clamped, NaN counts as zero",
            counted(broken.values, "value"), broken.example);
    }
};

Runner::Runner(const std::filesystem::path& snapshot, const RunnerOptions& options)
    : impl_(std::make_unique<Impl>(runtime::load_with_config(snapshot, options.npu, options.limits), options)) {}
Runner::~Runner() = default;
Runner::Runner(Runner&&) noexcept = default;
Runner& Runner::operator=(Runner&&) noexcept = default;

const std::vector<PortInfo>& Runner::inputs() const { return impl_->inputs; }
const std::vector<PortInfo>& Runner::outputs() const { return impl_->outputs; }

std::map<std::string, Tensor> Runner::run(const std::map<std::string, TensorView>& inputs) {
    std::map<std::string, Tensor> outputs;
    std::vector<std::string> notes;
    {
        const std::lock_guard lock(impl_->guard);
        outputs = impl_->prepared.run(inputs, impl_->pool);
        if (impl_->message) notes = {impl_->size_note(inputs), impl_->broken_note()};
    }
    // Outside the lock: the caller's function may take its time, or come back here.
    for (const std::string& note : notes)
        if (!note.empty()) impl_->message(note);
    return outputs;
}

BrokenInputs Runner::broken_inputs() const {
    const std::lock_guard lock(impl_->guard);
    return impl_->prepared.broken_inputs();
}

}  // namespace calotype
