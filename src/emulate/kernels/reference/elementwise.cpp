// Add, Mul and Requantize; docs/arithmetic.md, Add.

#include "emulate/kernels/reference/output_stage.hpp"
#include "emulate/kernels/reference/reference.hpp"

namespace calotype::emulate::reference {

void add(const LayerView& view, Inputs inputs, int8_t* y) {
    const auto& s = std::get<npu::AddArithmetic>(view.stage);
    const int64_t channels = view.out.channels;
    for (int64_t i = 0; i < view.out.elements(); ++i) {
        const int64_t c = i % channels;
        const int32_t a = npu::mulr((inputs[0][i] - view.zero_point(0, c)) * 128, entry(s.ma, c));
        const int32_t b = npu::mulr((inputs[1][i] - view.zero_point(1, c)) * 128, entry(s.mb, c));
        const int32_t y16 = npu::saturate16(a + b);
        const int32_t shifted = npu::saturate16(y16 + npu::half(s.r)) >> s.r;
        y[i] = npu::clamp8(shifted + entry(s.zero_point, c), entry(s.lo, c), entry(s.hi, c));
    }
}

void mul(const LayerView& view, Inputs inputs, int8_t* y) {
    const int64_t channels = view.out.channels;
    const bool one_channel = view.in[1].channels == 1 && channels > 1;
    for (int64_t i = 0; i < view.out.elements(); ++i) {
        const int64_t c = i % channels, pixel = i / channels;
        const int64_t cb = one_channel ? 0 : c;
        const int32_t a = inputs[0][i] - view.zero_point(0, c);
        const int32_t b = inputs[1][one_channel ? pixel : i] - view.zero_point(1, cb);
        y[i] = finish(view.stage, a * b, c);
    }
}

void requantize(const LayerView& view, Inputs inputs, int8_t* y) {
    for (int64_t i = 0; i < view.out.elements(); ++i) {
        const int64_t c = i % view.out.channels;
        y[i] = finish(view.stage, inputs[0][i] - view.zero_point(0, c), c);
    }
}

}  // namespace calotype::emulate::reference
