#include "ort/empty_sequence.hpp"

#include <onnxruntime_c_api.h>

#include <string>

#include "ort/element_type.hpp"
#include "ort/status.hpp"

namespace calotype::ort {
namespace {

/// One field of a protobuf message whose content is shorter than 128 bytes, as all here are.
std::string field(int number, const std::string& content) {
    return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(content.size())} + content;
}

std::string number(int field, int value) { return {static_cast<char>(field << 3), static_cast<char>(value)}; }

/// ONNX: a model of opset 11 whose only node is SequenceEmpty. onnx.proto has the numbers of the fields.
std::string model_of(DataType type) {
    const std::string int_type = "\xa0\x01\x02";  // AttributeProto.type, field 20: INT
    const std::string dtype = field(1, "dtype") + number(3, to_ort(type)) + int_type;
    const std::string node = field(2, "s") + field(4, "SequenceEmpty") + field(5, dtype);
    const std::string graph = field(1, node) + field(2, "empty") + field(12, field(1, "s"));
    return number(1, 8) + field(7, graph) + field(8, number(2, 11));
}

}  // namespace

std::unique_ptr<OrtValue, void (*)(OrtValue*)> empty_sequence(const Library& library, DataType type) {
    const OrtApi& api = library.api();
    OrtSessionOptions* options = nullptr;
    check(api, api.CreateSessionOptions(&options), "ORT_RUN");
    const std::unique_ptr<OrtSessionOptions, void (*)(OrtSessionOptions*)> owned(options, api.ReleaseSessionOptions);
    check(api, api.SetIntraOpNumThreads(options, 1), "ORT_RUN");
    check(api, api.SetSessionLogSeverityLevel(options, ORT_LOGGING_LEVEL_FATAL), "ORT_RUN");
    const std::string model = model_of(type);
    OrtSession* made = nullptr;
    check(api, api.CreateSessionFromArray(library.env(), model.data(), model.size(), options, &made), "ORT_RUN");
    const std::unique_ptr<OrtSession, void (*)(OrtSession*)> session(made, api.ReleaseSession);
    const char* const output = "s";
    OrtValue* value = nullptr;
    check(api, api.Run(made, nullptr, nullptr, nullptr, 0, &output, 1, &value), "ORT_RUN");
    return {value, api.ReleaseValue};
}

}  // namespace calotype::ort
