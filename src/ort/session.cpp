#include "ort/session.hpp"

#include <fmt/format.h>
#include <onnxruntime_c_api.h>

#include <array>
#include <cstring>
#include <optional>

#include "base/error.hpp"
#include "ort/bounds.hpp"
#include "ort/status.hpp"
#include "ort/watchdog.hpp"

namespace calotype::ort {
namespace {

struct TypePair {
    DataType ours;
    ONNXTensorElementDataType theirs;
};
constexpr std::array<TypePair, 13> kTypes = {{
    {DataType::float32, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT},
    {DataType::float64, ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE},
    {DataType::float16, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16},
    {DataType::bfloat16, ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16},
    {DataType::int8, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8},
    {DataType::uint8, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8},
    {DataType::int16, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16},
    {DataType::uint16, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT16},
    {DataType::int32, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32},
    {DataType::uint32, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT32},
    {DataType::int64, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64},
    {DataType::uint64, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT64},
    {DataType::boolean, ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL},
}};

ONNXTensorElementDataType to_ort(DataType type) {
    for (const TypePair& pair : kTypes) {
        if (pair.ours == type) return pair.theirs;
    }
    throw Error({"TENSOR_TYPE", fmt::format("a tensor of {}", name_of(type)), "it cannot be given to ONNX Runtime"});
}

DataType from_ort(ONNXTensorElementDataType type) {
    for (const TypePair& pair : kTypes) {
        if (pair.theirs == type) return pair.ours;
    }
    if (type == ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING) return DataType::string;
    throw Error(
        {"TENSOR_TYPE", fmt::format("ONNX Runtime's element type {}", static_cast<int>(type)), "it is unknown here"});
}

}  // namespace

struct Session::State {
    Library library;
    std::optional<DirectMemory> direct;  ///< where memory goes back as soon as it can
    OrtSession* session = nullptr;
    OrtMemoryInfo* memory = nullptr;
    OrtAllocator* allocator = nullptr;
    std::vector<Info> inputs, outputs;

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
            const OrtTensorTypeAndShapeInfo* tensor = nullptr;
            check(api.CastTypeInfoToTensorInfo(type, &tensor), "ORT_MODEL");
            infos[i].tensor = tensor != nullptr;
            if (tensor != nullptr) read_shape(*tensor, infos[i].type, infos[i].dims);
            api.ReleaseTypeInfo(type);
        }
        return infos;
    }

    void read_shape(const OrtTensorTypeAndShapeInfo& info, DataType& type, Dims& dims) const {
        const OrtApi& api = library.api();
        ONNXTensorElementDataType element = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
        check(api.GetTensorElementType(&info, &element), "ORT_RUN");
        type = from_ort(element);
        size_t rank = 0;
        check(api.GetDimensionsCount(&info, &rank), "ORT_RUN");
        dims.resize(rank);
        check(api.GetDimensions(&info, dims.data(), rank), "ORT_RUN");
    }

    Tensor copy_out(const OrtValue* value) const {
        const OrtApi& api = library.api();
        int is_tensor = 0;
        check(api.IsTensor(value, &is_tensor), "ORT_RUN");
        if (is_tensor == 0)
            throw Error({"TENSOR_TYPE", "an output", "it is a sequence, map or optional, not a tensor"});
        OrtTensorTypeAndShapeInfo* info = nullptr;
        check(api.GetTensorTypeAndShape(value, &info), "ORT_RUN");
        DataType type{};
        Dims dims;
        read_shape(*info, type, dims);
        api.ReleaseTensorTypeAndShapeInfo(info);
        Tensor tensor(type, dims);
        void* from = nullptr;
        if (!tensor.bytes().empty()) {
            check(api.GetTensorMutableData(const_cast<OrtValue*>(value), &from), "ORT_RUN");
            std::memcpy(tensor.bytes().data(), from, tensor.bytes().size());
        }
        return tensor;
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
}

Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
const std::vector<Info>& Session::inputs() const { return state_->inputs; }
const std::vector<Info>& Session::outputs() const { return state_->outputs; }

std::map<std::string, Tensor> Session::run(const std::map<std::string, Tensor>& inputs,
                                           const std::vector<std::string>& wanted) const {
    const OrtApi& api = state_->library.api();
    const auto release = [&api](OrtValue* value) {
        if (value != nullptr) api.ReleaseValue(value);
    };
    using Owned = std::unique_ptr<OrtValue, decltype(release)>;
    std::vector<Owned> owned;
    std::vector<const char*> input_names, output_names;
    std::vector<const OrtValue*> given;
    for (const auto& [name, tensor] : inputs) {
        OrtValue* value = nullptr;
        void* bytes = const_cast<std::byte*>(tensor.bytes().data());  // inputs are only read
        state_->check(
            api.CreateTensorWithDataAsOrtValue(state_->memory, bytes, tensor.bytes().size(), tensor.dims().data(),
                                               tensor.dims().size(), to_ort(tensor.type()), &value),
            "ORT_RUN");
        owned.emplace_back(value, release);
        input_names.push_back(name.c_str());
        given.push_back(value);
    }
    if (wanted.empty()) {
        for (const Info& info : state_->outputs) output_names.push_back(info.name.c_str());
    } else {
        for (const std::string& name : wanted) output_names.push_back(name.c_str());
    }
    std::vector<OrtValue*> made(output_names.size(), nullptr);
    WatchedRun watched(state_->library);
    OrtStatus* status = api.Run(state_->session, watched.options(), input_names.data(), given.data(), given.size(),
                                output_names.data(), output_names.size(), made.data());
    for (OrtValue* value : made) owned.emplace_back(value, release);
    std::unique_ptr<OrtStatus, void (*)(OrtStatus*)> kept(status, api.ReleaseStatus);
    watched.finish();  // what it says itself of being ended is less clear
    state_->check(kept.release(), "ORT_RUN");
    std::map<std::string, Tensor> out;
    for (size_t i = 0; i < made.size(); ++i) {
        out.emplace(output_names[i], state_->copy_out(made[i]));
        owned[given.size() + i].reset();  // so that no more than one value is held twice
    }
    return out;
}

}  // namespace calotype::ort
