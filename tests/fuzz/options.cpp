// What a user or a file sets: an NPU configuration, or (after a `-` as first byte) lines of option values.

#include <sstream>
#include <string>

#include "base/error.hpp"
#include "cli/options.hpp"
#include "fuzz/mutate_json.hpp"
#include "npu/config.hpp"

namespace {

using namespace calotype;

/// How images become arrays; the folder is not there.
void read_sample_options(const std::string& text) {
    std::istringstream lines(text);
    cli::SampleOptions options;
    for (std::string* value : {&options.mean, &options.std, &options.resize, &options.layout, &options.channels})
        std::getline(lines, *value);
    cli::open_samples("/nowhere", {}, options);
}

}  // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* bytes, size_t size, size_t max_size, unsigned seed) {
    return calotype::fuzz::mutate_json(bytes, size, max_size, 0, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
    const std::string text(reinterpret_cast<const char*>(bytes), size);
    try {
        if (text.starts_with("-s"))
            cli::parse_shape(text.substr(2));
        else if (text.starts_with('-'))
            read_sample_options(text.substr(1));
        else
            npu::parse_config(text, "the fuzzer's");
    } catch (const Error&) {
        return 0;
    }
    return 0;
}
