#pragma once

// The change between a value's reals, axes in the model's order, and a tensor's codes, channels last
// (docs/arithmetic.md, Boundary).

#include <span>
#include <vector>

#include "calotype/port.hpp"
#include "execute/boundary_loops.hpp"
#include "execute/permute.hpp"
#include "npu/layer.hpp"

namespace calotype::execute {

/// Values that break the type found on the samples, and the first of them.
struct Broken {
    int64_t values = 0;
    float example = 0;
};

/// One end of an NPU subgraph: a placement with its tensor's quantization. Of one sample at a time.
class Conversion {
  public:
    Conversion(const npu::Placement& placement, const npu::Quantization& quantization, Boundary boundary);

    int64_t elements() const { return to_tensor_.elements(); }

    /// Reals -> codes: RNE(clamp(x * c, lo - zp, hi - zp)) + zp with c = float32(1 / scale); NaN gives zp. `spare` is
    /// grown as needed. Returns what breaks the boundary's type: of whole numbers, fractions and values out of range; of
    /// reals, what lies further beyond the range of the codes than that is wide; NaN.
    Broken to_codes(const float* reals, std::span<int8_t> codes, std::vector<float>& spare) const;
    /// As to_codes for reals that are bytes already.
    Broken to_codes(const uint8_t* bytes, std::span<int8_t> codes, std::vector<float>& spare) const;

    /// A value that holds codes, INT8 or UINT8 ones, which lie 128 higher, into the tensor's and back.
    void take_codes(DataType type, const std::byte* value, std::span<int8_t> codes) const;
    void give_codes(DataType type, std::span<const int8_t> codes, std::byte* value) const;

    /// Codes -> reals: float32(q - zp) * scale.
    void to_reals(std::span<const int8_t> codes, float* reals, std::vector<float>& spare) const;

  private:
    Broken one_scale_to_codes(const float* reals, std::span<int8_t> codes, std::vector<float>& spare) const;
    Broken channels_to_codes(const float* reals, std::span<int8_t> codes, std::vector<float>& spare) const;

    Permutation to_tensor_, to_value_;
    Boundary boundary_;
    RealType type_;  // of all channels together: one of a narrow range may meet a wide one's values
    std::vector<float> scale_, coefficient_, lo_, hi_;  // one or one a channel
    std::vector<int32_t> zero_point_;
};

}  // namespace calotype::execute
