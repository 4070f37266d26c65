#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "base/tensor.hpp"

namespace calotype::samples {

/// What the head of an .npy file says.
struct NpyHeader {
    DataType type = DataType::float32;
    Dims dims;
    bool fortran_order = false;  ///< first axis fastest
    int64_t data_offset = 0;     ///< bytes from the start of the file
    int64_t element_bytes = 0;   ///< in the file: of a string, four a character
    bool untyped_byte = false;   ///< how NumPy stores a type of one byte that it does not know: float8, int4, ...
};

/// The longest head that is read: NumPy's own are 128 bytes but for structured types.
inline constexpr int64_t kNpyHeaderLimit = 65536;

/// Reads the head from the first bytes of a file (kNpyHeaderLimit of them, or all). `subject` names it in messages.
/// Throws Error NPY_BROKEN, NPY_TYPE.
NpyHeader parse_npy_header(std::span<const std::byte> head, const std::string& subject);

/// Bytes of all elements in the file. Throws Error TENSOR_TOO_LARGE.
int64_t data_bytes(const NpyHeader& header);

/// The elements that the file's bytes hold, under `dims`. Throws Error NPY_BROKEN for strings that are no Unicode.
Tensor npy_elements(const NpyHeader& header, Dims dims, std::vector<std::byte> stored, const std::string& subject);

/// The bytes of an .npy file of format 1.0. Throws Error NPY_STRINGS for strings that it cannot hold.
std::string npy_bytes(const Tensor& tensor);

/// The elements of a Fortran-ordered array in C order.
Tensor from_fortran_order(const Tensor& tensor);

Tensor read_npy(const std::filesystem::path& path);
void write_npy(const std::filesystem::path& path, const Tensor& tensor);

}  // namespace calotype::samples
