#include <algorithm>
#include <set>

#include "execute/parts.hpp"
#include "ort/library.hpp"
#include "ort/session.hpp"

namespace calotype::execute {
namespace {

class OrtPart : public CpuPart {
  public:
    OrtPart(const Model& model, const CpuSubgraph& subgraph, const ort::Library& library)
        : subgraph_(subgraph), session_(library, subgraph.onnx_bytes) {
        for (const Port& port : model.inputs) {
            if (port.kind == Kind::tensor && port.type == DataType::float32) float_inputs_.insert(port.name);
        }
        for (const std::string& name : subgraph.inputs) {
            const auto known = std::ranges::find(session_.inputs(), name, &ort::Info::name);
            const auto kind = known == session_.inputs().end() ? std::nullopt : known->kind;
            inputs_.emplace_back(name, kind.value_or(Kind::tensor));
        }
    }

    void run(Values& values, Owned& owned) override {
        Owned inputs;
        for (const auto& [input, kind] : inputs_) {
            for (const std::string& name : held_names(values, input, kind)) {
                const TensorView& view = values.at(name);
                const bool convert = float_inputs_.contains(name) && view.type != DataType::float32;
                inputs.emplace(name, convert ? as_float(view) : copy_of(view));
            }
        }
        for (auto& [name, tensor] : session_.run(inputs, subgraph_.outputs)) {
            owned[name] = std::move(tensor);
            values[name] = owned[name];
        }
    }

  private:
    const CpuSubgraph& subgraph_;
    ort::Session session_;
    std::vector<std::pair<std::string, Kind>> inputs_;
    std::set<std::string> float_inputs_;  // of the model: the caller may have given whole numbers
};

}  // namespace

struct CpuParts::State {
    ort::Access access;
    std::optional<ort::Library> library;
};

CpuParts::CpuParts(const ort::Access& access) : state_(std::make_unique<State>()) { state_->access = access; }
CpuParts::~CpuParts() = default;

std::unique_ptr<CpuPart> CpuParts::make(const Model& model, const CpuSubgraph& subgraph) {
    if (!state_->library) state_->library = ort::Library::load(state_->access.library, state_->access.limits);
    return std::make_unique<OrtPart>(model, subgraph, *state_->library);
}

}  // namespace calotype::execute
