#include "base/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.hpp"

namespace calotype {
namespace {

namespace fs = std::filesystem;

/// Only a file: never a device such as /dev/full.
void remove_half_written(const fs::path& path, int file) {
    struct stat status{};
    if (::fstat(file, &status) == 0 && S_ISREG(status.st_mode)) ::unlink(path.c_str());
}

}  // namespace

void cannot_write(const fs::path& path, int error) {
    throw Error({"FILE_UNWRITABLE", fmt::format("`{}`", path.string()), std::strerror(error),
                 "give a path on a disk with room that you may write to"});
}

std::vector<std::byte> read_file(const fs::path& path, int64_t limit_bytes, Links links) {
    const std::string subject = fmt::format("`{}`", path.string());
    // O_NONBLOCK: opening a fifo must not wait for a writer.
    const int no_link = links == Links::refused ? O_NOFOLLOW : 0;
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | no_link));
    if (file.get() < 0) {
        const int error = errno;
        throw Error({error == ENOENT ? "FILE_MISSING" : "FILE_UNREADABLE", subject,
                     error == ENOENT ? "there is no such file" : std::strerror(error), "check the path"});
    }
    struct stat status{};
    if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
        throw Error({"FILE_UNREADABLE", subject, "it is not a regular file"});
    }
    if (status.st_size > limit_bytes) {
        throw Error({"FILE_TOO_LARGE", subject,
                     fmt::format("it has {} bytes, at most {} are read here", status.st_size, limit_bytes)});
    }
    std::vector<std::byte> bytes(static_cast<size_t>(status.st_size));
    size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t got = ::read(file.get(), bytes.data() + done, bytes.size() - done);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0)
            throw Error({"FILE_UNREADABLE", subject, got == 0 ? "it shrank while read" : std::strerror(errno)});
        done += static_cast<size_t>(got);
    }
    return bytes;
}

Descriptor open_for_writing(const fs::path& path, Existing existing) {
    const int how = existing == Existing::refused ? O_EXCL : O_TRUNC;
    Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | how, 0644));
    if (file.get() < 0) cannot_write(path, errno);
    return file;
}

void write_open_file(const Descriptor& file, const fs::path& path, std::span<const std::byte> bytes) {
    size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t put = ::write(file.get(), bytes.data() + done, bytes.size() - done);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) {
            const int error = errno;
            remove_half_written(path, file.get());
            cannot_write(path, error);
        }
        done += static_cast<size_t>(put);
    }
    if (::fsync(file.get()) != 0 && errno != EINVAL) {  // EINVAL: a pipe or /dev/stdout
        const int error = errno;
        remove_half_written(path, file.get());
        cannot_write(path, error);
    }
}

void write_file(const fs::path& path, std::span<const std::byte> bytes) {
    write_open_file(open_for_writing(path, Existing::replaced), path, bytes);
}

void write_file(const fs::path& path, std::string_view text) { write_file(path, std::as_bytes(std::span(text))); }

}  // namespace calotype
