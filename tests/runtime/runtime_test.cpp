#include <gmock/gmock.h>
#include <unistd.h>

#include <functional>

#include "base/file.hpp"
#include "calotype/runner.hpp"
#include "calotype/snapshot.hpp"
#include "npu/config.hpp"
#include "runtime/golden.hpp"
#include "snapshot/example.hpp"

namespace calotype {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;

RunnerOptions with(const std::function<void(RunnerOptions&)>& set) {
    RunnerOptions options;
    set(options);
    return options;
}

/// A snapshot of the example model for the default configuration, with true golden vectors.
class RuntimeTest : public ::testing::Test {
  protected:
    RuntimeTest() : path_(fs::temp_directory_path() / ("calotype_runtime_test_" + std::to_string(::getpid()))) {
        const npu::Config config = npu::find_config(npu::kDefaultConfig);
        contents_ = tests::example_contents();
        contents_.npu = {config.name, config.fingerprint};
        ThreadPool pool(1);
        contents_.golden = runtime::make_golden(contents_.model, {{"image", tests::example_input()}}, pool);
        snapshot::write(path_, contents_);
    }
    ~RuntimeTest() override { fs::remove_all(path_); }

    std::string error_of(const RunnerOptions& options) const {
        try {
            Runner runner(path_, options);
        } catch (const Error& error) {
            return error.what();
        }
        return "no error";
    }

    fs::path path_;
    snapshot::Contents contents_;
};

TEST_F(RuntimeTest, RunnerGivesTheGoldenOutputs) {
    Runner runner(path_, with([](RunnerOptions& o) { o.threads = 2; }));
    ASSERT_EQ(runner.inputs().size(), 1U);
    EXPECT_EQ(runner.inputs()[0].name, "image");
    EXPECT_EQ(runner.inputs()[0].boundary, Boundary::quantized);
    const Tensor image = tests::example_input();
    const Tensor y = runner.run({{"image", image}}).at("y");
    const Tensor& golden = contents_.golden->subgraphs[0].outputs.at("y");
    // The golden codes lie channels last, [9, 4]; the output is [4, 9].
    for (size_t pixel = 0; pixel < 9; ++pixel) {
        for (size_t c = 0; c < 4; ++c) {
            const float expected = static_cast<float>(golden.values<int8_t>()[pixel * 4 + c] + 128) * 0.05F;
            EXPECT_EQ(y.values<float>()[c * 9 + pixel], expected);
        }
    }
}

TEST_F(RuntimeTest, WrongOptionsAreErrors) {
    EXPECT_EQ(error_of({}), "no error");
    EXPECT_THAT(error_of(with([](RunnerOptions& o) { o.kernels = "avx3"; })), HasSubstr("the nearest are `avx2`"));
    EXPECT_THAT(error_of(with([](RunnerOptions& o) { o.threads = -1; })), HasSubstr("OPTION_VALUE"));
    EXPECT_THAT(error_of(with([](RunnerOptions& o) { o.npu = "NO_SUCH_NPU"; })), HasSubstr("NO_SUCH_NPU"));
    EXPECT_THAT(error_of(with([](RunnerOptions& o) { o.npu = "none"; })), HasSubstr("CONFIG_SNAPSHOT_MISMATCH"));
}

TEST_F(RuntimeTest, VerifyPassesOnWhatWasCompiled) {
    const std::vector<Check> checks = verify(path_);
    for (const Check& check : checks) EXPECT_TRUE(check.passed) << check.name << ": " << check.detail;
    EXPECT_THAT(checks, Contains(Field(&Check::name, "golden")));
}

TEST_F(RuntimeTest, VerifyNamesTheFirstLayerThatDiffers) {
    contents_.golden->subgraphs[0].layer_sha256[1] = std::string(64, '0');
    contents_.golden->subgraphs[0].layer_sha256[2] = std::string(64, '0');
    snapshot::write(path_, contents_);
    const std::vector<Check> checks = verify(path_);
    EXPECT_FALSE(checks[1].passed);
    EXPECT_EQ(checks[1].detail, "NPU_0: layer `pool` is the first to differ");
}

TEST_F(RuntimeTest, VerifyNamesTheOutputThatDiffers) {
    contents_.golden->subgraphs[0].outputs.at("y").values<int8_t>()[5] ^= 1;
    snapshot::write(path_, contents_);
    const std::vector<Check> checks = verify(path_);
    EXPECT_FALSE(checks[1].passed);
    EXPECT_THAT(checks[1].detail, HasSubstr("NPU_0: `y`: element 5 is"));
}

TEST_F(RuntimeTest, VerifyRunsWithoutGoldenVectors) {
    contents_.golden.reset();
    snapshot::write(path_, contents_);
    for (const Check& check : verify(path_)) EXPECT_TRUE(check.passed) << check.name << ": " << check.detail;
}

TEST_F(RuntimeTest, BenchTimesEveryPart) {
    const BenchResult result = bench(path_, 3, true);
    EXPECT_GT(result.best_ms, 0);
    EXPECT_LE(result.best_ms, result.median_ms);
    ASSERT_EQ(result.parts.size(), 6U);  // inputs, three layers, outputs, the rest
    EXPECT_EQ(result.parts[2].name, "NPU_0/pool");
    EXPECT_EQ(result.parts[1].macs, 6 * 6 * 20 * 27);
    double sum_ms = 0;
    for (const PartTime& part : result.parts) sum_ms += part.mean_ms;
    EXPECT_NEAR(sum_ms, result.mean_ms, 1e-9 * result.mean_ms);  // float64
    EXPECT_EQ(bench(path_, 3, false).parts.size(), 0U);
}

TEST_F(RuntimeTest, InspectListsWhatTheSnapshotHolds) {
    const std::string json = inspect(path_);
    for (const char* part : {"\"NPU_0\"", "\"MaxPool\"", "\"image\"", "\"quantized\"", "\"first_relu\""}) {
        EXPECT_THAT(json, HasSubstr(part));
    }
}

}  // namespace
}  // namespace calotype
