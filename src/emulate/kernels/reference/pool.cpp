// Max pooling compares codes and leaves padding out. Average pooling sums q - zero_point exactly; padding counts and is
// zero; the division lies in the requantization's m.

#include <algorithm>

#include "emulate/kernels/reference/output_stage.hpp"
#include "emulate/kernels/reference/reference.hpp"

namespace calotype::emulate::reference {
namespace {

// Calls take(code) for each tap of channel c that lies inside the map.
template <class Take>
void for_taps(const npu::Map& in, const npu::Window& win, int64_t d, int64_t h, int64_t w, int64_t c, const int8_t* x,
              Take take) {
    const auto at = [](const npu::Axis& axis, int64_t out, int64_t k) {
        return out * axis.stride + k * axis.dilation - axis.pad_before;
    };
    for (int64_t kd = 0; kd < win.depth.kernel; ++kd)
        for (int64_t kh = 0; kh < win.height.kernel; ++kh)
            for (int64_t kw = 0; kw < win.width.kernel; ++kw) {
                const int64_t id = at(win.depth, d, kd), ih = at(win.height, h, kh), iw = at(win.width, w, kw);
                if (id < 0 || id >= in.depth || ih < 0 || ih >= in.height || iw < 0 || iw >= in.width) continue;
                take(x[((id * in.height + ih) * in.width + iw) * in.channels + c]);
            }
}

}  // namespace

void pool(const LayerView& view, Inputs inputs, int8_t* y) {
    const auto& pool = std::get<npu::Pool>(view.layer->attributes);
    const npu::Map& in = view.in[0];
    const npu::Window win = npu::window_of(pool, in);
    for (int64_t d = 0; d < view.out.depth; ++d)
        for (int64_t h = 0; h < view.out.height; ++h)
            for (int64_t w = 0; w < view.out.width; ++w)
                for (int64_t c = 0; c < in.channels; ++c) {
                    if (pool.kind == npu::PoolKind::max) {
                        int8_t largest = -128;
                        for_taps(in, win, d, h, w, c, inputs[0], [&](int8_t q) { largest = std::max(largest, q); });
                        *y++ = largest;
                    } else {
                        int32_t sum = 0;
                        const int32_t zero_point = view.zero_point(0, c);
                        for_taps(in, win, d, h, w, c, inputs[0], [&](int8_t q) { sum += q - zero_point; });
                        *y++ = finish(view.stage, sum, c);
                    }
                }
}

}  // namespace calotype::emulate::reference
