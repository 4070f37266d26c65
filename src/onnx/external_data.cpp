#include "onnx/external_data.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "base/descriptor.hpp"
#include "base/error.hpp"
#include "base/limits.hpp"

namespace calotype::onnx {
namespace {

namespace fs = std::filesystem;

/// A canonical path holds no link: one that has come since is not followed, wherever it stands. A pipe is not waited for.
Descriptor open_without_links(const fs::path& canonical) {
    Descriptor folder(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    for (const fs::path& name : canonical.parent_path().relative_path())
        folder = Descriptor(::openat(folder.get(), name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    return Descriptor(
        ::openat(folder.get(), canonical.filename().c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
}

/// An open file of the model's folder.
struct DataFile {
    Descriptor descriptor;
    int64_t size_bytes = 0;
    std::string name;
};

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

    /// Known to lie in the folder. What it is is asked of the open file, which cannot become another one.
    DataFile open_in(const fs::path& folder) const {
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
        Descriptor opened = open_without_links(file);
        struct stat status{};
        if (opened.get() < 0 || ::fstat(opened.get(), &status) != 0)
            broken(fmt::format("`{}` cannot be read: {}", location, std::strerror(errno)));
        if (!S_ISREG(status.st_mode)) broken(fmt::format("`{}` is no file", location));
        if (status.st_nlink > 1) outside();  // of a file that may lie anywhere
        return {std::move(opened), status.st_size, file.filename().string()};
    }
};

}  // namespace

std::vector<std::byte> read_external_data(const std::map<std::string, std::string>& entries, const Origin& origin,
                                          int64_t needed_bytes, const std::string& subject) {
    const External external{entries, subject};
    const DataFile file = external.open_in(origin.folder);
    const int64_t offset = external.number("offset", 0);
    const int64_t length = external.number("length", needed_bytes);
    if (length != needed_bytes) external.broken(fmt::format("has {} bytes, its shape needs {}", length, needed_bytes));
    if (offset > file.size_bytes || length > file.size_bytes - offset) {
        external.broken(fmt::format("begins at byte {} of `{}` and has {}, the file has {}", offset, file.name, length,
                                    file.size_bytes));
    }
    // Any number of tensors may name the same bytes.
    const int64_t allowed = allowed_memory_bytes(origin.limits);
    if (length > allowed - origin.external_bytes) {
        throw Error({"LIMIT_MEMORY", subject,
                     fmt::format("its external data have {} bytes, those of the tensors before {}, at most {} are read",
                                 length, origin.external_bytes, allowed),
                     how_to_raise(&Limits::memory_bytes)});
    }
    origin.external_bytes += length;
    // Only this tensor's part: one file holds them all, and may be far larger than what is needed.
    std::vector<std::byte> bytes(static_cast<size_t>(length));
    for (size_t done = 0; done < bytes.size();) {
        const ssize_t got = ::pread(file.descriptor.get(), bytes.data() + done, bytes.size() - done,
                                    static_cast<off_t>(offset) + static_cast<off_t>(done));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) external.broken(fmt::format("`{}` cannot be read", file.name));
        done += static_cast<size_t>(got);
    }
    return bytes;
}

}  // namespace calotype::onnx
