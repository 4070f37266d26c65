#include "ort/tensor_values.hpp"

#include <fmt/format.h>

#include <cstring>

#include "base/limits.hpp"
#include "base/narrow_types.hpp"
#include "base/utf8.hpp"
#include "ort/element_type.hpp"
#include "ort/status.hpp"

namespace calotype::ort {
namespace {

/// Whether ONNX Runtime has several elements in a byte, where we have one.
bool is_packed(DataType type) { return is_narrow(type) && bits_of(type) < 8; }

using OwnedValue = std::unique_ptr<OrtValue, void (*)(OrtValue*)>;

OwnedValue own_value(const OrtApi& api, const Tensor& tensor, OrtAllocator* allocator) {
    OrtValue* value = nullptr;
    check(api,
          api.CreateTensorAsOrtValue(allocator, tensor.dims().data(), tensor.dims().size(), to_ort(tensor.type()),
                                     &value),
          "ORT_RUN");
    return {value, api.ReleaseValue};
}

/// FillStringTensor would end each at its first NUL.
void fill_strings(const OrtApi& api, std::span<const std::string> strings, OrtValue* value) {
    for (size_t i = 0; i < strings.size(); ++i) {
        char* to = nullptr;
        check(api, api.GetResizedStringTensorElementBuffer(value, i, strings[i].size(), &to), "ORT_RUN");
        std::memcpy(to, strings[i].data(), strings[i].size());
    }
}

Tensor strings_of(const OrtApi& api, const OrtValue* value, Dims dims, const Limits& limits) {
    Tensor tensor(DataType::string, std::move(dims));
    size_t length = 0;
    check(api, api.GetStringTensorDataLength(value, &length), "ORT_RUN");
    if (static_cast<int64_t>(length) > allowed_memory_bytes(limits))
        throw Error(
            {"LIMIT_MEMORY", "a tensor of strings",
             fmt::format("they have {} bytes together, at most {} are allowed", length, allowed_memory_bytes(limits)),
             how_to_raise(&Limits::memory_bytes)});
    if (tensor.elements() == 0) return tensor;
    std::string all(length, '\0');
    std::vector<size_t> first(tensor.strings().size());
    check(api, api.GetStringTensorContent(value, all.data(), all.size(), first.data(), first.size()), "ORT_RUN");
    for (size_t i = 0; i < first.size(); ++i) {
        std::string& one = tensor.strings()[i];
        one = all.substr(first[i], (i + 1 < first.size() ? first[i + 1] : length) - first[i]);
        if (utf8_prefix(one) != one.size())
            throw Error({"STRING_UTF8", "a tensor of strings",
                         fmt::format("element {} that ONNX Runtime made is no valid UTF-8", i)});
    }
    return tensor;
}

}  // namespace

OrtValue* value_of(const OrtApi& api, const Tensor& tensor, const OrtMemoryInfo* memory, OrtAllocator* allocator) {
    if (tensor.type() == DataType::string) {
        OwnedValue value = own_value(api, tensor, allocator);
        fill_strings(api, tensor.strings(), value.get());
        return value.release();
    }
    if (is_packed(tensor.type())) {
        OwnedValue value = own_value(api, tensor, allocator);
        const std::vector<std::byte> bytes = packed(tensor);
        void* to = nullptr;
        check(api, api.GetTensorMutableData(value.get(), &to), "ORT_RUN");
        if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
        return value.release();
    }
    OrtValue* value = nullptr;
    void* bytes = const_cast<std::byte*>(tensor.bytes().data());  // inputs are only read
    check(api,
          api.CreateTensorWithDataAsOrtValue(memory, bytes, tensor.bytes().size(), tensor.dims().data(),
                                             tensor.dims().size(), to_ort(tensor.type()), &value),
          "ORT_RUN");
    return value;
}

Tensor tensor_of(const OrtApi& api, const OrtValue* value, const Limits& limits) {
    OrtTensorTypeAndShapeInfo* info = nullptr;
    check(api, api.GetTensorTypeAndShape(value, &info), "ORT_RUN");
    const std::unique_ptr<OrtTensorTypeAndShapeInfo, void (*)(OrtTensorTypeAndShapeInfo*)> owned(
        info, api.ReleaseTensorTypeAndShapeInfo);
    DataType type{};
    Dims dims;
    read_shape(api, *info, type, dims);
    if (type == DataType::string) return strings_of(api, value, std::move(dims), limits);
    void* from = nullptr;
    const int64_t bytes = packed_bytes(type, element_count(dims));
    if (bytes > 0) check(api, api.GetTensorMutableData(const_cast<OrtValue*>(value), &from), "ORT_RUN");
    return unpacked(type, std::move(dims), {static_cast<const std::byte*>(from), static_cast<size_t>(bytes)});
}

void read_shape(const OrtApi& api, const OrtTensorTypeAndShapeInfo& info, DataType& type, Dims& dims) {
    ONNXTensorElementDataType element = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
    check(api, api.GetTensorElementType(&info, &element), "ORT_RUN");
    type = from_ort(element);
    size_t rank = 0;
    check(api, api.GetDimensionsCount(&info, &rank), "ORT_RUN");
    dims.resize(rank);
    check(api, api.GetDimensions(&info, dims.data(), rank), "ORT_RUN");
}

}  // namespace calotype::ort
