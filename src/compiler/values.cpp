#include "compiler/values.hpp"

#include <mutex>

#include "observe/observe.hpp"

namespace calotype::compiler {

quantize::Values float_values(const Front& front, const npu::FloatNetwork& network, const Samples& samples) {
    std::vector<std::string> names;
    for (const npu::FloatTensor& tensor : network.tensors) names.push_back(tensor.value);
    for (const npu::FloatLayer& layer : network.layers) names.push_back(layer.sum_value);
    for (const npu::Placement& input : network.inputs) names.push_back(input.value);
    auto observer = std::make_shared<observe::Observer>(front.graph, front.library, std::move(names));
    auto guard = std::make_shared<std::mutex>();
    return [observer, guard, &samples](int64_t index) {
        std::unique_lock lock(*guard);  // a source of samples need not be safe for several threads
        const auto sample = samples.at(index);
        lock.unlock();
        return observer->run(sample);
    };
}

}  // namespace calotype::compiler
