#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "ort/library.hpp"

struct OrtAllocator;
struct OrtMemoryInfo;

namespace calotype::ort {

/// Memory for sessions that show every value, of samples of many sizes: block by block from the system, up to the
/// memory allowed, and back to it as soon as a value is released. An arena keeps what each size needed until the end of
/// the next run. Must outlive the sessions made with it.
class DirectMemory {
  public:
    explicit DirectMemory(const Library& library);
    ~DirectMemory();
    DirectMemory(const DirectMemory&) = delete;
    DirectMemory& operator=(const DirectMemory&) = delete;

    OrtAllocator* allocator() const;
    const OrtMemoryInfo* info() const;

  private:
    struct Allocator;
    std::unique_ptr<Allocator> allocator_;
};

}  // namespace calotype::ort
