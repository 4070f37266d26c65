#pragma once

// Small FloatNetworks by hand, and their values on random samples.

#include "quantize/quantize.hpp"

namespace calotype::tests {

class SmallNetwork {
  public:
    npu::FloatNetwork network;

    npu::TensorId input(const std::string& value, const Dims& shape);
    /// A layer without weights; its output has the name.
    npu::TensorId layer(const std::string& name, npu::Attributes attributes, const std::vector<npu::TensorId>& inputs,
                        const Dims& shape);
    /// 1x1 convolution; channel c of the output is of size `gains[c]`.
    npu::TensorId conv(const std::string& name, npu::TensorId input, const std::vector<float>& gains,
                       const npu::Activation& activation = {});
    void output(npu::TensorId tensor);

    /// `samples` random inputs in [-1, 1], whole numbers in [0, 255] where `bytes`.
    quantize::Calibration calibration(int64_t samples, bool bytes = false) const;
    quantize::Result quantize(const std::set<std::string>& without = {}, bool bytes = false) const;

  private:
    const Dims& shape(npu::TensorId tensor) const { return network.tensors[static_cast<size_t>(tensor)].shape; }
};

}  // namespace calotype::tests
