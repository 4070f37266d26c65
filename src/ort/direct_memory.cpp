#include "ort/direct_memory.hpp"

#include <fmt/format.h>
#include <onnxruntime_c_api.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <stdexcept>

#include "base/limits.hpp"
#include "ort/status.hpp"

namespace calotype::ort {
namespace {

constexpr size_t kHead = 64;                 // holds the block's size, and keeps what follows aligned for AVX-512
constexpr size_t kMapped = size_t{1} << 20;  // smaller blocks are malloc's, which keeps them for the next

/// Null where the system has no more.
void* from_system(size_t bytes) {
    if (bytes < kMapped) return std::aligned_alloc(kHead, (bytes + kHead - 1) / kHead * kHead);
    void* block = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return block == MAP_FAILED ? nullptr : block;
}

void to_system(void* block, size_t bytes) {
    if (bytes < kMapped)
        std::free(block);
    else
        ::munmap(block, bytes);
}

}  // namespace

struct DirectMemory::Allocator : OrtAllocator {
    const OrtApi& api;
    OrtMemoryInfo* memory_info = nullptr;
    size_t allowed_bytes;
    std::atomic<size_t> used_bytes = 0;

    Allocator(const OrtApi& from, int64_t allowed)
        : OrtAllocator{}, api(from), allowed_bytes(static_cast<size_t>(allowed)) {
        version = 21;
        Alloc = Reserve = [](OrtAllocator* self, size_t bytes) { return static_cast<Allocator*>(self)->take(bytes); };
        Free = [](OrtAllocator* self, void* block) { static_cast<Allocator*>(self)->give_back(block); };
        Info = [](const OrtAllocator* self) -> const OrtMemoryInfo* {
            return static_cast<const Allocator*>(self)->memory_info;
        };
        check(api, api.CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &memory_info), "ORT_MODEL");
    }
    ~Allocator() {
        if (memory_info != nullptr) api.ReleaseMemoryInfo(memory_info);
    }

    /// ONNX Runtime takes null for memory; it catches what its own arena throws, which names the node then.
    void* take(size_t bytes) {
        if (bytes == 0) return nullptr;
        const size_t before = used_bytes.fetch_add(bytes);
        const bool fits = before <= allowed_bytes && bytes <= allowed_bytes - before;
        void* const block = fits ? from_system(bytes + kHead) : nullptr;
        if (block == nullptr) {
            used_bytes -= bytes;
            throw std::runtime_error(
                fmt::format("bad_alloc: Available memory of {} is smaller than requested bytes of {}",
                            allowed_bytes - std::min(before, allowed_bytes), bytes));
        }
        *static_cast<size_t*>(block) = bytes;
        return static_cast<std::byte*>(block) + kHead;
    }

    void give_back(void* content) {
        if (content == nullptr) return;
        void* const block = static_cast<std::byte*>(content) - kHead;
        const size_t bytes = *static_cast<const size_t*>(block);
        to_system(block, bytes + kHead);
        used_bytes -= bytes;
    }
};

DirectMemory::DirectMemory(const Library& library)
    : allocator_(std::make_unique<Allocator>(library.api(), allowed_memory_bytes(library.limits()))) {}
DirectMemory::~DirectMemory() = default;
OrtAllocator* DirectMemory::allocator() const { return allocator_.get(); }
const OrtMemoryInfo* DirectMemory::info() const { return allocator_->memory_info; }

}  // namespace calotype::ort
