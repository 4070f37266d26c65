#pragma once

#include <filesystem>
#include <memory>
#include <optional>

struct OrtApi;
struct OrtEnv;

namespace calotype::ort {

/// ONNX Runtime, loaded at run time; copies share it.
class Library {
  public:
    /// `path`, else $CALOTYPE_ORT_LIBRARY, else the `onnxruntime` package beside the executable or in $VIRTUAL_ENV,
    /// else the system's libonnxruntime.so.1. Throws Error ORT_MISSING or ORT_TOO_OLD.
    static Library load(const std::optional<std::filesystem::path>& path = {});

    const OrtApi& api() const;
    OrtEnv* env() const;

  private:
    struct State;
    explicit Library(std::shared_ptr<const State> state) : state_(std::move(state)) {}
    std::shared_ptr<const State> state_;
};

}  // namespace calotype::ort
