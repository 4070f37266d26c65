#include "ort/bounds.hpp"

#include <fmt/format.h>
#include <onnxruntime_c_api.h>

#include <iterator>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "ort/status.hpp"
#include "ort/watchdog.hpp"

namespace calotype::ort {
namespace {

std::mutex& environment_guard() {
    static std::mutex guard;
    return guard;
}

}  // namespace

BoundedMemory::BoundedMemory(const Library& library) : library_(library), lock_(environment_guard()) {
    const OrtApi& api = library.api();
    check(api, api.CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &info_), "ORT_MODEL");
    // It grows by what is asked for (1), not by powers of two.
    const char* const keys[] = {"max_mem", "arena_extend_strategy"};
    const size_t values[] = {static_cast<size_t>(allowed_memory_bytes(library.limits())), 1};
    OrtArenaCfg* arena = nullptr;
    check(api, api.CreateArenaCfgV2(keys, values, std::size(keys), &arena), "ORT_MODEL");
    OrtStatus* status = api.CreateAndRegisterAllocator(library.env(), info_, arena);
    api.ReleaseArenaCfg(arena);
    check(api, status, "ORT_MODEL");
}

BoundedMemory::~BoundedMemory() {
    const OrtApi& api = library_.api();
    if (OrtStatus* status = api.UnregisterAllocator(library_.env(), info_)) api.ReleaseStatus(status);
    api.ReleaseMemoryInfo(info_);
}

WatchedRun::WatchedRun(const Library& library, bool gives_back) : library_(library) {
    const OrtApi& api = library.api();
    check(api, api.CreateRunOptions(&options_), "ORT_RUN");
    if (gives_back)
        check(api, api.AddRunConfigEntry(options_, "memory.enable_memory_arena_shrinkage", "cpu:0"), "ORT_RUN");
    ticket_ = library.watchdog().watch(options_, library.limits().run_seconds);
}

WatchedRun::~WatchedRun() {
    library_.watchdog().release(ticket_);
    library_.api().ReleaseRunOptions(options_);
}

void WatchedRun::finish() {
    if (library_.watchdog().release(ticket_)) return;
    throw Error({"LIMIT_TIME", "ONNX Runtime",
                 fmt::format("a run took longer than {} s and was ended", library_.limits().run_seconds),
                 how_to_raise(&Limits::run_seconds)});
}

}  // namespace calotype::ort
