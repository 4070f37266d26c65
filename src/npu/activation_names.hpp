#pragma once

#include <array>

namespace calotype::npu {

/// Of ActivationKind, in its order: in messages, reports and snapshots.
inline constexpr std::array kActivationNames{"none",      "clamp",      "leaky_relu",   "prelu", "sigmoid",
                                             "silu",      "hard_swish", "hard_sigmoid", "tanh",  "gelu_erf",
                                             "gelu_tanh", "mish",       "softplus",     "elu"};

}  // namespace calotype::npu
