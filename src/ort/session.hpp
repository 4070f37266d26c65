#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/tensor.hpp"
#include "calotype/kind.hpp"
#include "ort/library.hpp"

namespace calotype::ort {

struct SessionOptions {
    int threads = 1;
    bool optimize = true;  ///< off: every value is what the graph says, node by node
};

struct Info {
    std::string name;
    std::optional<Kind> kind = Kind::tensor;  ///< none of a map, say, which cannot be asked for
    DataType type = DataType::float32;        ///< of a sequence's or optional's tensors, where it is one of those
    Dims dims;                                ///< -1: free; of a tensor alone

    bool is_tensor() const { return kind == Kind::tensor; }
};

/// One ONNX model ready to run. `run` may be called from several threads. What is no tensor goes in and comes out as the
/// tensors it holds (calotype/kind.hpp).
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
