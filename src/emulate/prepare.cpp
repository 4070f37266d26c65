// Chooses a layer's kernel: the set's own where it takes the layer, else the reference, which takes all.

#include "emulate/kernels/fast.hpp"
#include "emulate/kernels/reference/reference.hpp"
#include "emulate/prepared_layer.hpp"

namespace calotype::emulate {

std::unique_ptr<PreparedLayer> prepare(const npu::Network& network, size_t layer, const std::vector<Dims>& shapes,
                                       KernelSet set) {
    const LayerView view = view_layer(network, layer, shapes);
    const KernelSet chosen = resolve(set);
    std::unique_ptr<PreparedLayer> fast;
    switch (chosen) {
        case KernelSet::avx512: fast = avx512::prepare(view); break;
        case KernelSet::avx2: fast = avx2::prepare(view); break;
        default: break;
    }
    if (!fast && chosen != KernelSet::reference) fast = moves::prepare(view);
    return fast ? std::move(fast) : reference::prepare(view);
}

}  // namespace calotype::emulate
