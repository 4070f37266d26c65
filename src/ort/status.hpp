#pragma once

#include <string_view>

struct OrtApi;
struct OrtStatus;

namespace calotype::ort {

/// Releases the status, and throws Error `code` with ONNX Runtime's own words where it is one: UNKNOWN_OPERATOR where
/// it lacks an operator, LIMIT_MEMORY where its arena is full.
void check(const OrtApi& api, OrtStatus* status, std::string_view code);

}  // namespace calotype::ort
