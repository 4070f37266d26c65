#include "quantize/code_store.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
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

CodeStore::CodeStore(size_t tensors, int64_t samples)
    : samples_(samples), spans_(tensors * static_cast<size_t>(samples)) {
    std::string name = (std::filesystem::temp_directory_path() / "calotype-XXXXXX").string();
    file_ = ::mkostemp(name.data(), O_CLOEXEC);
    if (file_ < 0) failed("made");
    ::unlink(name.c_str());
}

CodeStore::~CodeStore() { ::close(file_); }

npu::Span& CodeStore::span(npu::TensorId tensor, int64_t sample) {
    return spans_[index_of(tensor) * static_cast<size_t>(samples_) + static_cast<size_t>(sample)];
}

void CodeStore::put(npu::TensorId tensor, int64_t sample, std::span<const int8_t> codes) {
    npu::Span& to = span(tensor, sample);
    const auto size = static_cast<int64_t>(codes.size());
    if (to.size_bytes == 0) {
        const std::lock_guard lock(guard_);
        to = {next_, size};
        next_ += size;
    }
    CALOTYPE_ASSERT(to.size_bytes == size, "a sample's codes keep their number");
    size_t done = 0;
    while (done < codes.size()) {
        const ssize_t put =
            ::pwrite(file_, codes.data() + done, codes.size() - done, to.offset_bytes + static_cast<int64_t>(done));
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) failed("written");
        done += static_cast<size_t>(put);
    }
}

std::vector<int8_t> CodeStore::get(npu::TensorId tensor, int64_t sample) {
    const npu::Span& from = span(tensor, sample);
    std::vector<int8_t> codes(static_cast<size_t>(from.size_bytes));
    size_t done = 0;
    while (done < codes.size()) {
        const ssize_t got =
            ::pread(file_, codes.data() + done, codes.size() - done, from.offset_bytes + static_cast<int64_t>(done));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) failed("read");
        done += static_cast<size_t>(got);
    }
    return codes;
}

void CodeStore::drop(npu::TensorId tensor) {
    std::vector<npu::Span> spans(&span(tensor, 0), &span(tensor, 0) + samples_);
    std::ranges::sort(spans, {}, &npu::Span::offset_bytes);
    for (size_t i = 0; i < spans.size();) {
        npu::Span hole = spans[i++];  // samples lie side by side: only whole blocks are given back
        while (i < spans.size() && spans[i].offset_bytes == hole.offset_bytes + hole.size_bytes)
            hole.size_bytes += spans[i++].size_bytes;
        // Where the file system cannot punch holes the blocks stay until the end.
        if (hole.size_bytes > 0)
            ::fallocate(file_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, hole.offset_bytes, hole.size_bytes);
    }
}

}  // namespace calotype::quantize
