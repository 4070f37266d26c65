#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "calotype/limits.hpp"

struct OrtApi;
struct OrtEnv;

namespace calotype::ort {

class Watchdog;

/// Where ONNX Runtime is, and what bounds its runs.
struct Access {
    std::optional<std::filesystem::path> library;  ///< empty: where Library::load looks
    Limits limits;
};

/// ONNX Runtime, loaded at run time; copies share it.
class Library {
  public:
    /// `path`, else $CALOTYPE_ORT_LIBRARY, else the `onnxruntime` package beside the executable or in $VIRTUAL_ENV,
    /// else the system's libonnxruntime.so.1. Throws Error ORT_MISSING or ORT_TOO_OLD.
    /// `limits` bind every session made with it.
    static Library load(const std::optional<std::filesystem::path>& path = {}, const Limits& limits = {});

    const OrtApi& api() const;
    OrtEnv* env() const;
    const Limits& limits() const { return limits_; }
    Watchdog& watchdog() const;

  private:
    struct State;
    Library(std::shared_ptr<const State> state, const Limits& limits) : state_(std::move(state)), limits_(limits) {}
    std::shared_ptr<const State> state_;
    Limits limits_;
};

}  // namespace calotype::ort
