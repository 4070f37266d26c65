#include "report/supported_layers.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "base/file.hpp"

namespace calotype::report {
namespace {

TEST(SupportedLayers, ThePageIsCurrent) {
    const auto path = std::filesystem::path(CALOTYPE_SOURCE_DIR) / "docs/supported-layers.md";
    if (std::getenv("CALOTYPE_UPDATE_DOCS")) {
        std::filesystem::remove(path);
        write_file(path, std::string_view(supported_layers_markdown()));
    }
    const auto bytes = read_file(path);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()), supported_layers_markdown())
        << "run CALOTYPE_UPDATE_DOCS=1 build/release/tests/report_tests";
}

}  // namespace
}  // namespace calotype::report
