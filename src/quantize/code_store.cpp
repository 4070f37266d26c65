#include "quantize/code_store.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/error.hpp"

namespace calotype::quantize {
namespace {

[[noreturn]] void failed(std::string_view what) {
    throw Error({"FILE_UNWRITABLE", fmt::format("`{}`", std::filesystem::temp_directory_path().string()),
                 fmt::format("a temporary file cannot be {}: {}", what, std::strerror(errno)),
                 "set TMPDIR to a folder on a disk with room"});
}

}  // namespace

CodeStore::CodeStore(std::vector<int64_t> bytes, int64_t samples) : samples_(samples), bytes_(std::move(bytes)) {
    std::string name = (std::filesystem::temp_directory_path() / "calotype-XXXXXX").string();
    file_ = ::mkostemp(name.data(), O_CLOEXEC);
    if (file_ < 0) failed("made");
    ::unlink(name.c_str());
    int64_t first = 0;
    for (const int64_t size : bytes_) {
        first_.push_back(first);
        first += size * samples_;
    }
}

CodeStore::~CodeStore() { ::close(file_); }

int64_t CodeStore::offset(npu::TensorId tensor, int64_t sample) const {
    const auto t = static_cast<size_t>(tensor);
    return first_[t] + sample * bytes_[t];
}

void CodeStore::put(npu::TensorId tensor, int64_t sample, std::span<const int8_t> codes) {
    size_t done = 0;
    while (done < codes.size()) {
        const ssize_t put = ::pwrite(file_, codes.data() + done, codes.size() - done,
                                     offset(tensor, sample) + static_cast<int64_t>(done));
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) failed("written");
        done += static_cast<size_t>(put);
    }
}

std::vector<int8_t> CodeStore::get(npu::TensorId tensor, int64_t sample) const {
    std::vector<int8_t> codes(static_cast<size_t>(bytes_[static_cast<size_t>(tensor)]));
    size_t done = 0;
    while (done < codes.size()) {
        const ssize_t got = ::pread(file_, codes.data() + done, codes.size() - done,
                                    offset(tensor, sample) + static_cast<int64_t>(done));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) failed("read");
        done += static_cast<size_t>(got);
    }
    return codes;
}

void CodeStore::drop(npu::TensorId tensor) {
    const auto t = static_cast<size_t>(tensor);
    if (bytes_[t] == 0) return;
    // Where the file system cannot punch holes the blocks stay until the end.
    ::fallocate(file_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, first_[t], bytes_[t] * samples_);
}

}  // namespace calotype::quantize
