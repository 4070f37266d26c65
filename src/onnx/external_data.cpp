#include "onnx/external_data.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>

#include "base/error.hpp"

namespace calotype::onnx {
namespace {

namespace fs = std::filesystem;

struct External {
    const std::map<std::string, std::string>& entries;
    std::string subject;

    [[noreturn]] void broken(const std::string& fact) const {
        throw Error({"ONNX_TENSOR", subject, "its external data " + fact, "export the model again"});
    }

    int64_t number(const char* key, int64_t absent) const {
        const auto found = entries.find(key);
        if (found == entries.end()) return absent;
        int64_t value = -1;
        const std::string& text = found->second;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error != std::errc() || end != text.data() + text.size() || value < 0)
            broken(fmt::format("has `{}` = `{}`, a whole number from 0 is needed", key, text));
        return value;
    }

    /// The file, known to lie in the folder.
    fs::path file_in(const fs::path& folder) const {
        const auto found = entries.find("location");
        if (found == entries.end()) broken("has no location");
        const std::string& location = found->second;
        const fs::path relative = fs::path(location).lexically_normal();
        const auto outside = [&] { broken(fmt::format("`{}` lies outside the model's folder", location)); };
        if (location.find('\0') != std::string::npos || relative.is_absolute() || relative.empty() ||
            *relative.begin() == "..")
            outside();
        std::error_code error;
        const fs::path root = fs::canonical(folder, error);
        const fs::path file = fs::canonical(root / relative, error);
        if (error) broken(fmt::format("`{}` is not there", location));
        if (std::mismatch(root.begin(), root.end(), file.begin(), file.end()).first != root.end()) outside();
        if (!fs::is_regular_file(file, error)) broken(fmt::format("`{}` is no file", location));
        if (fs::hard_link_count(file, error) > 1) outside();  // of a file that may lie anywhere
        return file;
    }
};

}  // namespace

std::vector<std::byte> read_external_data(const std::map<std::string, std::string>& entries, const fs::path& folder,
                                          int64_t needed_bytes, const std::string& subject) {
    const External external{entries, subject};
    const fs::path file = external.file_in(folder);
    const std::string location = file.filename().string();
    const int64_t offset = external.number("offset", 0);
    const int64_t length = external.number("length", needed_bytes);
    if (length != needed_bytes) external.broken(fmt::format("has {} bytes, its shape needs {}", length, needed_bytes));
    std::error_code error;
    const auto size = static_cast<int64_t>(fs::file_size(file, error));
    if (error) external.broken(fmt::format("`{}` cannot be read", location));
    if (offset > size || length > size - offset) {
        external.broken(
            fmt::format("begins at byte {} of `{}` and has {}, the file has {}", offset, location, length, size));
    }
    // Only this tensor's part: one file holds them all, and may be far larger than what is needed.
    std::vector<std::byte> bytes(static_cast<size_t>(length));
    std::ifstream stream(file, std::ios::binary);
    stream.seekg(offset);
    stream.read(reinterpret_cast<char*>(bytes.data()), length);
    if (!stream) external.broken(fmt::format("`{}` cannot be read", location));
    return bytes;
}

}  // namespace calotype::onnx
