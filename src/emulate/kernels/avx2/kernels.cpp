#include "emulate/kernels/fast.hpp"

namespace calotype::emulate::avx2 {
std::unique_ptr<PreparedLayer> prepare(const LayerView&) { return nullptr; }
}  // namespace calotype::emulate::avx2
