#include "emulate/kernels/fast.hpp"

namespace calotype::emulate::avx512 {
std::unique_ptr<PreparedLayer> prepare(const LayerView&) { return nullptr; }
}  // namespace calotype::emulate::avx512
