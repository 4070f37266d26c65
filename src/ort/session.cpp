#include "ort/session.hpp"

#include <fmt/format.h>
#include <onnxruntime_c_api.h>

#include <algorithm>
#include <optional>

#include "base/error.hpp"
#include "ort/bounds.hpp"
#include "ort/empty_sequence.hpp"
#include "ort/status.hpp"
#include "ort/tensor_values.hpp"
#include "ort/watchdog.hpp"

namespace calotype::ort {
namespace {

using Value = std::unique_ptr<OrtValue, void (*)(OrtValue*)>;
using TypeInfo = std::unique_ptr<OrtTypeInfo, void (*)(OrtTypeInfo*)>;

}  // namespace

struct Session::State {
    Library library;
    std::optional<DirectMemory> direct;  ///< where memory goes back as soon as it can
    OrtSession* session = nullptr;
    OrtMemoryInfo* memory = nullptr;
    OrtAllocator* allocator = nullptr;
    std::vector<Info> inputs, outputs;
    std::map<std::string, size_t> output_places;  // by name

    explicit State(const Library& from) : library(from) {}
    ~State() {
        if (session != nullptr) library.api().ReleaseSession(session);
        if (memory != nullptr) library.api().ReleaseMemoryInfo(memory);
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    void check(OrtStatus* status, std::string_view code) const { ort::check(library.api(), status, code); }

    std::vector<Info> ports(bool in) const {
        const OrtApi& api = library.api();
        size_t count = 0;
        check(in ? api.SessionGetInputCount(session, &count) : api.SessionGetOutputCount(session, &count), "ORT_MODEL");
        std::vector<Info> infos(count);
        for (size_t i = 0; i < count; ++i) {
            char* name = nullptr;
            check(in ? api.SessionGetInputName(session, i, allocator, &name)
                     : api.SessionGetOutputName(session, i, allocator, &name),
                  "ORT_MODEL");
            infos[i].name = name;
            check(api.AllocatorFree(allocator, name), "ORT_MODEL");
            OrtTypeInfo* type = nullptr;
            check(in ? api.SessionGetInputTypeInfo(session, i, &type) : api.SessionGetOutputTypeInfo(session, i, &type),
                  "ORT_MODEL");
            const TypeInfo owned(type, api.ReleaseTypeInfo);
            read_type(*type, infos[i]);
        }
        return infos;
    }

    /// Of a port: the kinds that hold tensors are known, others have none.
    void read_type(const OrtTypeInfo& type, Info& info) const {
        const OrtApi& api = library.api();
        info.kind.reset();
        const OrtTensorTypeAndShapeInfo* tensor = nullptr;
        const OrtSequenceTypeInfo* sequence = nullptr;
        const OrtOptionalTypeInfo* optional = nullptr;
        check(api.CastTypeInfoToTensorInfo(&type, &tensor), "ORT_MODEL");
        check(api.CastTypeInfoToSequenceTypeInfo(&type, &sequence), "ORT_MODEL");
        check(api.CastTypeInfoToOptionalTypeInfo(&type, &optional), "ORT_MODEL");
        if (tensor != nullptr) {
            info.kind = Kind::tensor;
            return read_shape(api, *tensor, info.type, info.dims);
        }
        OrtTypeInfo* held = nullptr;
        if (sequence != nullptr) check(api.GetSequenceElementType(sequence, &held), "ORT_MODEL");
        if (optional != nullptr) check(api.GetOptionalContainedTypeInfo(optional, &held), "ORT_MODEL");
        const TypeInfo owned(held, api.ReleaseTypeInfo);
        if (held == nullptr) return;
        Info inner;
        read_type(*held, inner);
        info.type = inner.type;
        if (inner.kind == Kind::tensor) info.kind = sequence != nullptr ? Kind::sequence : Kind::optional_tensor;
        if (inner.kind == Kind::sequence && optional != nullptr) info.kind = Kind::optional_sequence;
    }

    /// Adds the tensors that the output holds.
    void copy_out(const Info& output, OrtValue* value, std::map<std::string, Tensor>& out) const {
        const OrtApi& api = library.api();
        int there = 0;
        check(api.HasValue(value, &there), "ORT_RUN");
        if (there == 0) return;
        ONNXType type{};
        check(api.GetValueType(value, &type), "ORT_RUN");
        if (type == ONNX_TYPE_TENSOR) {
            out.emplace(output.name, tensor_of(api, value, library.limits()));
            return;
        }
        if (!output.kind)
            throw Error({"TENSOR_TYPE", fmt::format("output `{}`", output.name),
                         "it holds other things than tensors, such as maps"});
        size_t count = 0;
        check(api.GetValueCount(value, &count), "ORT_RUN");
        if (count == 0) out.emplace(empty_name(output.name), Tensor(output.type, {0}));
        for (size_t i = 0; i < count; ++i) {
            OrtValue* element = nullptr;
            check(api.GetValue(value, static_cast<int>(i), allocator, &element), "ORT_RUN");
            const Value owned(element, api.ReleaseValue);
            out.emplace(element_name(output.name, static_cast<int64_t>(i)), tensor_of(api, element, library.limits()));
        }
    }

    Value given(const Tensor& tensor) const {
        return Value(ort::value_of(library.api(), tensor, memory, allocator), library.api().ReleaseValue);
    }

    /// What the input is given; nothing where it is an optional that holds nothing.
    std::optional<Value> value_of(const Info& input, const std::map<std::string, Tensor>& tensors) const {
        const Kind kind = input.kind.value_or(Kind::tensor);
        const std::vector<std::string> names = held_names(tensors, input.name, kind);
        if (names.empty()) return std::nullopt;
        if (!is_sequence(kind)) return given(tensors.at(input.name));
        if (names[0] == empty_name(input.name)) return empty_sequence(library, input.type);
        std::vector<Value> owned;
        std::vector<const OrtValue*> elements;
        for (const std::string& name : names) {
            owned.push_back(given(tensors.at(name)));
            elements.push_back(owned.back().get());
        }
        OrtValue* value = nullptr;
        check(library.api().CreateValue(elements.data(), elements.size(), ONNX_TYPE_SEQUENCE, &value), "ORT_RUN");
        return Value(value, library.api().ReleaseValue);
    }

    const Info& output_of(const std::string& name) const {
        const auto found = output_places.find(name);
        if (found == output_places.end())
            throw Error({"ORT_RUN", "ONNX Runtime", fmt::format("the model has no output `{}`", name)});
        return outputs[found->second];
    }
};

Session::Session(const Library& library, std::string_view model_bytes, SessionOptions options)
    : state_(std::make_unique<State>(library)) {
    // Sessions that show every value are given samples of many sizes; an arena would keep what each of them needed.
    // Nor would the plan of what they need together pay, whose making takes the square of what lives at once.
    if (!options.optimize) state_->direct.emplace(library);
    const OrtApi& api = library.api();
    const BoundedMemory memory(library, state_->direct ? &*state_->direct : nullptr);
    OrtSessionOptions* raw = nullptr;
    state_->check(api.CreateSessionOptions(&raw), "ORT_MODEL");
    const std::unique_ptr<OrtSessionOptions, void (*)(OrtSessionOptions*)> settings(raw, api.ReleaseSessionOptions);
    state_->check(api.SetIntraOpNumThreads(raw, options.threads), "ORT_MODEL");
    state_->check(api.SetInterOpNumThreads(raw, 1), "ORT_MODEL");
    if (!options.optimize) state_->check(api.DisableMemPattern(raw), "ORT_MODEL");
    state_->check(api.SetSessionLogSeverityLevel(raw, ORT_LOGGING_LEVEL_FATAL), "ORT_MODEL");
    state_->check(api.AddSessionConfigEntry(raw, "session.intra_op.allow_spinning", "0"), "ORT_MODEL");
    state_->check(api.SetSessionGraphOptimizationLevel(raw, options.optimize ? ORT_ENABLE_ALL : ORT_DISABLE_ALL),
                  "ORT_MODEL");
    state_->check(api.AddSessionConfigEntry(raw, "session.use_env_allocators", "1"), "ORT_MODEL");
    // What we hand over is whole: bytes that name a file (a forged snapshot's) must not find it in the current folder.
    state_->check(api.AddSessionConfigEntry(raw, "session.model_external_initializers_file_folder_path", "/dev/null"),
                  "ORT_MODEL");
    const Watchdog::Ticket ticket = library.watchdog().watch(nullptr, library.limits().run_seconds);
    const auto make = [&] {
        return api.CreateSessionFromArray(library.env(), model_bytes.data(), model_bytes.size(), raw, &state_->session);
    };
    OrtStatus* made = make();
    // From opset 21 on, what ONNX Runtime 1.32 itself puts behind the Reshape or Transpose of an INT8 DequantizeLinear
    // fails its own check of types: then it is to leave that out.
    if (made != nullptr && std::string_view(api.GetErrorMessage(made)).find("output_dtype") != std::string_view::npos) {
        api.ReleaseStatus(made);
        state_->check(
            api.AddSessionConfigEntry(raw, "optimization.disable_specified_optimizers", "QDQPropagationTransformer"),
            "ORT_MODEL");
        made = make();
    }
    library.watchdog().release(ticket);  // a session that came late is one all the same
    state_->check(made, "ORT_MODEL");
    state_->check(api.CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &state_->memory), "ORT_MODEL");
    state_->check(api.GetAllocatorWithDefaultOptions(&state_->allocator), "ORT_MODEL");
    state_->inputs = state_->ports(true);
    state_->outputs = state_->ports(false);
    for (size_t i = 0; i < state_->outputs.size(); ++i) state_->output_places.emplace(state_->outputs[i].name, i);
}

Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
const std::vector<Info>& Session::inputs() const { return state_->inputs; }
const std::vector<Info>& Session::outputs() const { return state_->outputs; }

std::map<std::string, Tensor> Session::run(const std::map<std::string, Tensor>& inputs,
                                           const std::vector<std::string>& wanted) const {
    const OrtApi& api = state_->library.api();
    std::vector<Value> owned;
    std::vector<const char*> input_names, output_names;
    std::vector<const OrtValue*> given;
    for (const Info& input : state_->inputs) {
        auto value = state_->value_of(input, inputs);
        if (!value) continue;
        given.push_back(value->get());
        owned.push_back(std::move(*value));
        input_names.push_back(input.name.c_str());
    }
    std::vector<const Info*> outputs;
    if (wanted.empty())
        for (const Info& info : state_->outputs) outputs.push_back(&info);
    for (const std::string& name : wanted) outputs.push_back(&state_->output_of(name));
    for (const Info* output : outputs) output_names.push_back(output->name.c_str());
    std::vector<OrtValue*> made(output_names.size(), nullptr);
    WatchedRun watched(state_->library);
    OrtStatus* status = api.Run(state_->session, watched.options(), input_names.data(), given.data(), given.size(),
                                output_names.data(), output_names.size(), made.data());
    for (OrtValue* value : made) owned.emplace_back(value, api.ReleaseValue);
    std::unique_ptr<OrtStatus, void (*)(OrtStatus*)> kept(status, api.ReleaseStatus);
    watched.finish();  // what it says itself of being ended is less clear
    state_->check(kept.release(), "ORT_RUN");
    std::map<std::string, Tensor> out;
    for (size_t i = 0; i < made.size(); ++i) {
        state_->copy_out(*outputs[i], made[i], out);
        owned[given.size() + i].reset();  // so that no more than one value is held twice
    }
    return out;
}

}  // namespace calotype::ort
