#include "arrays.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include "calotype/error.hpp"

namespace calotype::python {
namespace {

constexpr std::array kNumbers = {
    DataType::float32,
    DataType::float64,
    DataType::float16,
    DataType::int8,
    DataType::uint8,
    DataType::int16,
    DataType::uint16,
    DataType::int32,
    DataType::uint32,
    DataType::int64,
    DataType::uint64,
    DataType::boolean,
    // Where the package ml_dtypes gives NumPy these types:
    DataType::bfloat16,
    DataType::float8_e4m3fn,
    DataType::float8_e4m3fnuz,
    DataType::float8_e5m2,
    DataType::float8_e5m2fnuz,
    DataType::float8_e8m0fnu,
    DataType::float4_e2m1fn,
    DataType::int4,
    DataType::uint4,
    DataType::int2,
    DataType::uint2,
};

[[noreturn]] void refuse(const std::string& name, const std::string& fact, const std::string& hint) {
    throw Error({"INPUT_TYPE", "array `" + name + "`", fact, hint});
}

DataType type_of(const std::string& spelled, const std::string& name) {
    const auto found =
        std::find_if(kNumbers.begin(), kNumbers.end(), [&](DataType t) { return name_of(t) == spelled; });
    if (found != kNumbers.end()) return *found;
    refuse(name, "its type is " + spelled + ", numbers or strings are needed",
           "convert it, for example with .astype(numpy.float32)");
}

/// NumPy's own kinds of text (U, T), and objects, each of which must be a str.
bool may_be_strings(nb::handle dtype) {
    const auto kind = nb::cast<std::string>(dtype.attr("kind"));
    return kind == "U" || kind == "T" || kind == "O";
}

std::vector<std::string> strings_of(const nb::list& elements, const std::string& name) {
    std::vector<std::string> strings;
    for (const nb::handle element : elements) {
        const std::string place = "element " + std::to_string(strings.size());
        if (!nb::isinstance<nb::str>(element))
            refuse(name, place + " is no str", "give an array of numbers, or of str alone");
        Py_ssize_t length = 0;
        const char* text = PyUnicode_AsUTF8AndSize(element.ptr(), &length);
        if (text == nullptr) {
            PyErr_Clear();
            refuse(name, place + " holds half of a surrogate pair, which UTF-8 has not", "give valid text");
        }
        strings.emplace_back(text, static_cast<size_t>(length));
    }
    return strings;
}

nb::object objects_of(const Tensor& tensor) {
    nb::list elements;
    for (const std::string& one : tensor.strings()) elements.append(nb::str(one.data(), one.size()));
    return nb::module_::import_("numpy").attr("array")(elements, "object");
}

/// What NumPy has for it.
std::string numpy_type(DataType type) {
    if (type == DataType::bfloat16) return "uint16";
    return is_narrow(type) ? "uint8" : std::string(name_of(type));
}

}  // namespace

Array array_of(nb::handle value, const std::string& name) {
    const nb::module_ numpy = nb::module_::import_("numpy");
    Array array;
    array.owner = numpy.attr("ascontiguousarray")(value);
    // ascontiguousarray makes [1] of a scalar: the shape is the given one's.
    Dims dims;
    for (const nb::handle dim : nb::tuple(numpy.attr("shape")(value))) dims.push_back(nb::cast<int64_t>(dim));
    if (may_be_strings(array.owner.attr("dtype"))) {
        array.strings = strings_of(nb::list(array.owner.attr("ravel")().attr("tolist")()), name);
        array.view = TensorView(dims, array.strings.data());
        return array;
    }
    const auto spelled = nb::cast<std::string>(array.owner.attr("dtype").attr("name"));
    const auto address = nb::cast<uintptr_t>(array.owner.attr("ctypes").attr("data"));
    if (!nb::cast<bool>(array.owner.attr("dtype").attr("isnative"))) type_of("big-endian " + spelled, name);
    array.view = TensorView(type_of(spelled, name), dims, reinterpret_cast<const std::byte*>(address));
    return array;
}

namespace {

Array no_elements(DataType type) {
    Array array;
    array.owner = nb::none();
    array.view = TensorView(type, {0}, nullptr);
    return array;
}

}  // namespace

std::vector<std::pair<std::string, Array>> arrays_of(nb::handle value, const std::string& name, DataType type,
                                                     Kind kind) {
    std::vector<std::pair<std::string, Array>> arrays;
    if (value.is_none() && is_optional(kind)) return arrays;
    if (!is_sequence(kind)) {
        arrays.emplace_back(name, array_of(value, name));
        return arrays;
    }
    if (!nb::isinstance<nb::list>(value) && !nb::isinstance<nb::tuple>(value))
        throw Error({"INPUT_TYPE", "input `" + name + "`", "it is a sequence, and no list of arrays was given",
                     is_optional(kind) ? "give a list of arrays, or None" : "give a list of arrays"});
    for (const nb::handle element : value) {
        std::string element_of = element_name(name, static_cast<int64_t>(arrays.size()));
        Array array = array_of(element, element_of);
        arrays.emplace_back(std::move(element_of), std::move(array));
    }
    if (arrays.empty()) arrays.emplace_back(empty_name(name), no_elements(type));
    return arrays;
}

nb::object numpy_of(Tensor tensor) {
    nb::list each;
    for (const int64_t dim : tensor.dims()) each.append(dim);
    const nb::tuple dims(each);
    if (tensor.type() == DataType::string) return objects_of(tensor).attr("reshape")(dims);
    auto kept = std::make_unique<Tensor>(std::move(tensor));
    void* const bytes = kept->bytes().data();
    const int64_t size = static_cast<int64_t>(kept->bytes().size());
    const std::string type = numpy_type(kept->type());
    nb::capsule owner(kept.release(), [](void* p) noexcept { delete static_cast<Tensor*>(p); });
    const size_t flat[1] = {static_cast<size_t>(size)};
    nb::ndarray<nb::numpy, uint8_t> raw(bytes, 1, flat, owner);
    return nb::cast(raw).attr("view")(type).attr("reshape")(dims);
}

nb::object value_of(std::map<std::string, Tensor>& tensors, const std::string& name, Kind kind) {
    const std::vector<std::string> names = held_names(tensors, name, kind);
    if (names.empty()) return nb::none();
    if (!is_sequence(kind)) return numpy_of(std::move(tensors.at(name)));
    nb::list elements;
    if (names[0] == empty_name(name)) return elements;
    for (const std::string& element : names) elements.append(numpy_of(std::move(tensors.at(element))));
    return elements;
}

}  // namespace calotype::python
