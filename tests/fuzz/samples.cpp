// A file of samples, told apart by its first bytes as its name would: .npz, .png, .jpg, else .npy.

#include <algorithm>
#include <string_view>

#include "base/error.hpp"
#include "fuzz/memory_file.hpp"
#include "samples/image.hpp"
#include "samples/npy.hpp"
#include "samples/npz.hpp"
#include "samples/samples.hpp"

namespace {

namespace samples = calotype::samples;

void read_all(const samples::Reader& reader) {
    for (int64_t i = 0; i < std::min<int64_t>(reader.count(), 3); ++i) reader.at(i);
}

/// A few hundred bytes may be a picture of 2^24 pixels, which is allowed and slow to resize under the sanitizers.
void read_picture(const std::filesystem::path& path, bool gray) {
    const samples::Image image = samples::read_image(path, gray);
    if (image.pixels.size() < 100'000) samples::resize(image, 5, 7);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(bytes), size);
    const calotype::fuzz::MemoryFile file(bytes, size);
    const samples::InputSpec input{"x", calotype::DataType::float32, {-1, 2, -1, -1}};
    try {
        if (text.starts_with("PK"))
            samples::read_npz(file.path());
        else if (text.starts_with("\x89PNG") || text.starts_with("\xff\xd8"))
            read_picture(file.path(), size % 2 == 0);
        else if (size % 2 == 0)
            samples::read_npy(file.path());
        else
            read_all(*samples::open_arrays(file.path(), {input}));
    } catch (const calotype::Error&) {
        return 0;
    }
    return 0;
}
