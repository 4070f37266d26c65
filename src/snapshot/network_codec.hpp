#pragma once

#include "npu/layer.hpp"
#include "snapshot/archive.hpp"

namespace calotype::snapshot {

/// layers.json's entry of one network; its long vectors go to `blobs` under `prefix`.
Json network_to_json(const npu::Network& network, const std::string& prefix, Blobs& blobs);

/// The inverse. Only the form is checked here: check_network says whether it can run. Throws Error SNAPSHOT_DAMAGED.
npu::Network network_from_json(const Json& json, const std::string& prefix, Blobs& blobs);

}  // namespace calotype::snapshot
