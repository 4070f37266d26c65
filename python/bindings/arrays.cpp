#include "arrays.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include "calotype/error.hpp"

namespace calotype::python {
namespace {

constexpr std::array kNumbers = {
    DataType::float32,  DataType::float64, DataType::float16, DataType::int8,  DataType::uint8,  DataType::int16,
    DataType::uint16,   DataType::int32,   DataType::uint32,  DataType::int64, DataType::uint64, DataType::boolean,
    DataType::bfloat16,  // where the package ml_dtypes gives NumPy that type
};

DataType type_of(const std::string& spelled, const std::string& name) {
    const auto found =
        std::find_if(kNumbers.begin(), kNumbers.end(), [&](DataType t) { return name_of(t) == spelled; });
    if (found != kNumbers.end()) return *found;
    throw Error({"INPUT_TYPE", "array `" + name + "`", "its type is " + spelled + ", numbers are needed",
                 "convert it, for example with .astype(numpy.float32)"});
}

}  // namespace

Array array_of(nb::handle value, const std::string& name) {
    const nb::module_ numpy = nb::module_::import_("numpy");
    Array array;
    array.owner = numpy.attr("ascontiguousarray")(value);
    // ascontiguousarray makes [1] of a scalar: the shape is the given one's.
    Dims dims;
    for (const nb::handle dim : nb::tuple(numpy.attr("shape")(value))) dims.push_back(nb::cast<int64_t>(dim));
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
    auto kept = std::make_unique<Tensor>(std::move(tensor));
    const std::vector<size_t> shape(kept->dims().begin(), kept->dims().end());
    void* const bytes = kept->bytes().data();
    const int64_t size = static_cast<int64_t>(kept->bytes().size());
    const std::string type(name_of(kept->type()));
    const Dims dims = kept->dims();
    nb::capsule owner(kept.release(), [](void* p) noexcept { delete static_cast<Tensor*>(p); });
    const size_t flat[1] = {static_cast<size_t>(size)};
    nb::ndarray<nb::numpy, uint8_t> raw(bytes, 1, flat, owner);
    nb::list wanted;
    for (const int64_t dim : dims) wanted.append(dim);
    return nb::cast(raw).attr("view")(type == "bfloat16" ? "uint16" : type).attr("reshape")(nb::tuple(wanted));
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
