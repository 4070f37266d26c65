#include "samples/byte_source.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <vector>

#include "base/error.hpp"

namespace calotype::samples {
namespace {

constexpr int64_t kPieceBytes = 65536;
constexpr size_t kWindowReads = 32, kWindowBytes = size_t{4} << 20;

class File : public ByteSource {
  public:
    explicit File(const std::filesystem::path& path) : subject_(fmt::format("`{}`", path.string())) {
        fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a fifo must not wait for a writer
        const int error = errno;
        struct stat status{};
        if (fd_ < 0 && error == ENOENT)
            throw Error({"FILE_MISSING", subject_, "there is no such file", "check the path"});
        if (fd_ < 0) throw Error({"FILE_UNREADABLE", subject_, std::strerror(error)});
        if (::fstat(fd_, &status) != 0 || !S_ISREG(status.st_mode)) {
            ::close(fd_);
            throw Error({"FILE_UNREADABLE", subject_, "it is not a regular file"});
        }
        size_bytes_ = status.st_size;
    }
    ~File() override { ::close(fd_); }
    File(const File&) = delete;
    File& operator=(const File&) = delete;

    int64_t size_bytes() const override { return size_bytes_; }

    void read(int64_t offset_bytes, std::span<std::byte> out) const override {
        while (!out.empty()) {
            const ssize_t got = ::pread(fd_, out.data(), out.size(), offset_bytes);
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) throw Error({"FILE_UNREADABLE", subject_, got == 0 ? "it is cut off" : std::strerror(errno)});
            out = out.subspan(static_cast<size_t>(got));
            offset_bytes += got;
        }
    }

  private:
    std::string subject_;
    int fd_ = -1;
    int64_t size_bytes_ = 0;
};

class Stored : public ByteSource {
  public:
    Stored(const std::filesystem::path& path, const ZipEntry& entry) : file_(path), entry_(entry) {}
    int64_t size_bytes() const override { return entry_.size_bytes; }
    void read(int64_t offset_bytes, std::span<std::byte> out) const override {
        CALOTYPE_ASSERT(offset_bytes + static_cast<int64_t>(out.size()) <= entry_.size_bytes,
                        "reads stay in the entry");
        file_.read(entry_.data_offset + offset_bytes, out);
    }

  private:
    File file_;
    ZipEntry entry_;
};

class Deflated : public ByteSource {
  public:
    Deflated(const std::filesystem::path& path, const ZipEntry& entry)
        : file_(path), entry_(entry), subject_(fmt::format("`{}` in `{}`", entry.name, path.string())) {
        restart();
    }
    ~Deflated() override { ::inflateEnd(&stream_); }
    Deflated(const Deflated&) = delete;
    Deflated& operator=(const Deflated&) = delete;

    int64_t size_bytes() const override { return entry_.size_bytes; }

    void read(int64_t offset_bytes, std::span<std::byte> out) const override {
        const std::lock_guard lock(mutex_);
        window_ = std::max({window_, std::min(kWindowReads * out.size(), kWindowBytes), 2 * out.size()});
        if (offset_bytes < position_ - std::ssize(recent_)) restart();
        if (offset_bytes < position_) {
            const auto behind = static_cast<size_t>(position_ - offset_bytes);
            const auto known = std::span(recent_).last(behind).first(std::min(behind, out.size()));
            std::ranges::copy(known, out.begin());
            out = out.subspan(known.size());
            offset_bytes += std::ssize(known);
            if (out.empty()) return;
        }
        std::array<std::byte, kPieceBytes> skipped;
        while (position_ < offset_bytes) {
            inflate(std::span(skipped).first(static_cast<size_t>(std::min(kPieceBytes, offset_bytes - position_))));
        }
        inflate(out);
    }

  private:
    void restart() const {
        if (started_) ::inflateEnd(&stream_);
        stream_ = {};
        started_ = true;
        CALOTYPE_ASSERT(::inflateInit2(&stream_, -MAX_WBITS) == Z_OK, "zlib starts");  // raw: zip has its own head
        taken_ = position_ = 0;
        recent_.clear();
    }

    void keep(std::span<const std::byte> made) const {
        recent_.insert(recent_.end(), made.begin(), made.end());
        if (recent_.size() > 2 * window_)
            recent_.erase(recent_.begin(), recent_.end() - static_cast<std::ptrdiff_t>(window_));
    }

    void inflate(std::span<std::byte> out) const {
        while (!out.empty()) {
            if (stream_.avail_in == 0 && taken_ < entry_.stored_bytes) refill();
            const size_t piece = std::min<size_t>(out.size(), 1u << 30);
            stream_.next_out = reinterpret_cast<Bytef*>(out.data());
            stream_.avail_out = static_cast<uInt>(piece);
            const int status = ::inflate(&stream_, Z_NO_FLUSH);
            const size_t made = piece - stream_.avail_out;
            position_ += static_cast<int64_t>(made);
            keep(out.first(made));
            out = out.subspan(made);
            const bool stuck = made == 0 && stream_.avail_in == 0 && taken_ == entry_.stored_bytes;
            if ((status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) || stuck ||
                (status == Z_STREAM_END && !out.empty())) {
                throw Error({"NPZ_BROKEN", subject_, "its compressed data are damaged or cut off", "save it again"});
            }
        }
    }

    void refill() const {
        const int64_t bytes = std::min(kPieceBytes, entry_.stored_bytes - taken_);
        file_.read(entry_.data_offset + taken_, std::span(input_).first(static_cast<size_t>(bytes)));
        taken_ += bytes;
        stream_.next_in = reinterpret_cast<Bytef*>(input_.data());
        stream_.avail_in = static_cast<uInt>(bytes);
    }

    File file_;
    ZipEntry entry_;
    std::string subject_;
    mutable std::mutex mutex_;
    mutable z_stream stream_{};
    mutable bool started_ = false;
    mutable int64_t taken_ = 0, position_ = 0;  ///< in stored and in inflated bytes
    mutable std::array<std::byte, kPieceBytes> input_;
    // What was inflated last. A pass reads a sample twice, or threads read neighbours in either order: from the
    // beginning each time that would be quadratic.
    mutable std::vector<std::byte> recent_;
    mutable size_t window_ = 0;
};

void check_crc(const ByteSource& source, const ZipEntry& entry, const std::filesystem::path& path) {
    std::array<std::byte, kPieceBytes> piece;
    uLong crc = ::crc32(0, nullptr, 0);
    for (int64_t at = 0; at < entry.size_bytes; at += kPieceBytes) {
        const auto bytes = std::span(piece).first(static_cast<size_t>(std::min(kPieceBytes, entry.size_bytes - at)));
        source.read(at, bytes);
        crc = ::crc32(crc, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size()));
    }
    if (crc != entry.crc) {
        throw Error({"NPZ_BROKEN", fmt::format("`{}` in `{}`", entry.name, path.string()),
                     fmt::format("its checksum is {:08x}, the archive says {:08x}", crc, entry.crc), "save it again"});
    }
}

}  // namespace

std::unique_ptr<ByteSource> open_file(const std::filesystem::path& path) { return std::make_unique<File>(path); }

std::unique_ptr<ByteSource> open_entry(const std::filesystem::path& path, const ZipEntry& entry) {
    std::unique_ptr<ByteSource> source;
    if (entry.deflated) {
        source = std::make_unique<Deflated>(path, entry);
    } else {
        source = std::make_unique<Stored>(path, entry);
    }
    check_crc(*source, entry, path);
    return source;
}

}  // namespace calotype::samples
