#pragma once

// A network at the size of one sample: scales and weights know no height or width, shapes do.

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "npu/layer.hpp"

namespace calotype::quantize {

/// Dims of the network's inputs, the batch in front.
using InputDims = std::vector<Dims>;

InputDims input_dims(const npu::FloatNetwork& network, const std::map<std::string, Tensor>& values);

/// Shapes of the network's tensors where its inputs have these dims. Throws Error SAMPLE_SHAPE where a layer or an order
/// of axes does not take them.
std::vector<Dims> shapes_at(const npu::FloatNetwork& network, const InputDims& dims);
std::vector<Dims> shapes_at(const npu::Network& network, const InputDims& dims);

/// The tensors under these shapes, and how their values lie in them. Throws as shapes_at does.
std::vector<npu::FloatTensor> with_shapes(std::vector<npu::FloatTensor> tensors, const std::vector<Dims>& shapes);

/// The network's tensors where its inputs have these dims.
std::vector<npu::FloatTensor> tensors_at(const npu::FloatNetwork& network, const InputDims& dims);

/// What is prepared once a size. The latest few are kept, so that memory does not grow with the sizes.
template <class Made>
class PerSize {
  public:
    explicit PerSize(std::function<Made(const InputDims&)> make) : make_(std::move(make)) {}
    /// May be called from several threads.
    std::shared_ptr<const Made> at(const InputDims& dims) {
        const std::lock_guard lock(guard_);
        for (auto entry = latest_.begin(); entry != latest_.end(); ++entry) {
            if (entry->first != dims) continue;
            latest_.splice(latest_.begin(), latest_, entry);
            return latest_.front().second;
        }
        latest_.emplace_front(dims, std::make_shared<const Made>(make_(dims)));
        if (latest_.size() > kKept) latest_.pop_back();
        return latest_.front().second;
    }

  private:
    static constexpr size_t kKept = 4;
    std::function<Made(const InputDims&)> make_;
    std::mutex guard_;
    std::list<std::pair<InputDims, std::shared_ptr<const Made>>> latest_;
};

}  // namespace calotype::quantize
