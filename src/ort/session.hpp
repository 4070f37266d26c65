#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/tensor.hpp"
#include "ort/library.hpp"

namespace calotype::ort {

struct SessionOptions {
    int threads = 1;
    bool optimize = true;  ///< off: every value is what the graph says, node by node
};

struct Info {
    std::string name;
    DataType type = DataType::float32;
    Dims dims;           ///< -1: free
    bool tensor = true;  ///< false: a sequence, map or optional, which cannot be asked for
};

/// One ONNX model ready to run. `run` may be called from several threads.
class Session {
  public:
    /// Throws Error ORT_MODEL with ONNX Runtime's own words, UNKNOWN_OPERATOR where it lacks one.
    Session(const Library& library, std::string_view model_bytes, SessionOptions options = {});
    ~Session();
    Session(Session&&) noexcept;
    Session& operator=(Session&&) noexcept;

    const std::vector<Info>& inputs() const;
    const std::vector<Info>& outputs() const;
    /// The named outputs; all of them where `outputs` is empty. Throws Error ORT_RUN.
    std::map<std::string, Tensor> run(const std::map<std::string, Tensor>& inputs,
                                      const std::vector<std::string>& outputs = {}) const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace calotype::ort
