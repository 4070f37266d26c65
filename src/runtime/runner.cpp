#include "calotype/runner.hpp"

#include "execute/prepared_model.hpp"
#include "runtime/load.hpp"
#include "runtime/ports.hpp"

namespace calotype {

struct Runner::Impl {
    snapshot::Contents contents;
    ThreadPool pool;
    execute::PreparedModel prepared;
    std::vector<PortInfo> inputs, outputs;

    Impl(const std::filesystem::path& path, const RunnerOptions& options)
        : contents(runtime::load(path, options.npu)),
          pool(runtime::thread_count(options.threads)),
          prepared(contents.model, emulate::kernel_set(options.kernels), options.ort_library),
          inputs(runtime::port_infos(contents.model.inputs)),
          outputs(runtime::port_infos(contents.model.outputs)) {}
};

Runner::Runner(const std::filesystem::path& snapshot, const RunnerOptions& options)
    : impl_(std::make_unique<Impl>(snapshot, options)) {}
Runner::~Runner() = default;
Runner::Runner(Runner&&) noexcept = default;
Runner& Runner::operator=(Runner&&) noexcept = default;

const std::vector<PortInfo>& Runner::inputs() const { return impl_->inputs; }
const std::vector<PortInfo>& Runner::outputs() const { return impl_->outputs; }

std::map<std::string, Tensor> Runner::run(const std::map<std::string, TensorView>& inputs) {
    return impl_->prepared.run(inputs, impl_->pool);
}

BrokenInputs Runner::broken_inputs() const { return impl_->prepared.broken_inputs(); }

}  // namespace calotype
