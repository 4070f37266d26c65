#include "base/elements.hpp"

namespace calotype {

TensorView part_of(const TensorView& view, Dims dims, int64_t first) {
    TensorView part = view;
    part.dims = std::move(dims);
    if (part.strings != nullptr) part.strings += first;
    if (part.bytes != nullptr) part.bytes += first * bytes_of(view.type);
    return part;
}

Tensor copy_of(const TensorView& view) {
    const int64_t count = element_count(view.dims);
    if (view.type == DataType::string) return Tensor(view.dims, {view.strings, view.strings + count});
    return Tensor(view.type, view.dims, {view.bytes, view.bytes + count * bytes_of(view.type)});
}

void put(const TensorView& from, Tensor& to, int64_t first) {
    CALOTYPE_ASSERT(from.type == to.type(), "elements of one type are put together");
    const int64_t count = element_count(from.dims);
    CALOTYPE_ASSERT(first + count <= to.elements(), "elements are put inside");
    if (from.type == DataType::string)
        std::copy_n(from.strings, count, to.strings().begin() + first);
    else
        std::copy_n(from.bytes, count * bytes_of(from.type), to.bytes().begin() + first * bytes_of(from.type));
}

int64_t held_bytes_of(DataType type) {
    return type == DataType::string ? static_cast<int64_t>(sizeof(std::string)) : bytes_of(type);
}

int64_t content_bytes(const Tensor& tensor) {
    size_t bytes = tensor.bytes().size() + tensor.strings().size_bytes();
    for (const std::string& one : tensor.strings()) bytes += one.size();
    return static_cast<int64_t>(bytes);
}

}  // namespace calotype
