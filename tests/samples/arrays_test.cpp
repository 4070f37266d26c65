#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <numeric>

#include "base/file.hpp"
#include "samples/npy.hpp"
#include "samples/npz.hpp"
#include "samples/samples.hpp"

namespace calotype::samples {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

const fs::path kData = fs::path(CALOTYPE_SOURCE_DIR) / "tests/samples/data";
const InputSpec kX{"x", DataType::float32, {-1, 3, 4, 5}};
const InputSpec kN{"n", DataType::int64, {-1, 1}};

Tensor counted(Dims dims) {
    Tensor tensor(DataType::float32, std::move(dims));
    std::iota(tensor.values<float>().begin(), tensor.values<float>().end(), 0.0f);
    return tensor;
}

class SamplesTest : public testing::Test {
  protected:
    void SetUp() override {
        std::string name = (fs::temp_directory_path() / "calotype-samples-XXXXXX").string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        dir_ = name;
    }
    void TearDown() override { fs::remove_all(dir_); }

    fs::path saved(const std::string& name, const Tensor& tensor) const {
        write_npy(dir_ / name, tensor);
        return dir_ / name;
    }
    std::string error_of(const fs::path& path, const std::vector<InputSpec>& inputs) const {
        try {
            open(path, inputs);
        } catch (const Error& error) {
            return error.what();
        }
        return "no error";
    }
    fs::path dir_;
};

TEST_F(SamplesTest, ReadsWhatNumPyWritesStoredOrDeflated) {
    for (const char* name : {"stored.npz", "compressed.npz"}) {
        const Source source = open(kData / name, {kX, kN});
        ASSERT_EQ(source.count(), 2) << name;
        for (const int64_t index : {1, 0, 1}) {  // also backwards, which inflates anew
            const auto sample = source.at(index);
            EXPECT_EQ(sample.at("x").dims(), (Dims{1, 3, 4, 5}));
            EXPECT_EQ(sample.at("x").values<float>()[0], index == 0 ? 0.0f : 60.0f) << name;
            EXPECT_THAT(sample.at("n").values<int64_t>(), ElementsAre(7 + index));
        }
    }
}

TEST_F(SamplesTest, EqualSamplesHaveOneHashHoweverTheyAreStored) {
    const std::string stored = open(kData / "stored.npz", {kX, kN}).sha256();
    EXPECT_EQ(open(kData / "compressed.npz", {kX, kN}).sha256(), stored);
    const std::string array = open(saved("x.npy", counted({2, 3, 4, 5})), {kX}).sha256();
    EXPECT_EQ(open(kData / "fortran.npy", {kX}).sha256(), array);
    EXPECT_NE(array, stored);
}

TEST_F(SamplesTest, WritesWhatItReads) {
    const std::map<std::string, Tensor> arrays = {{"a", counted({2, 3})},
                                                  {"b", Tensor::of<int8_t>({}, std::vector<int8_t>{-5})},
                                                  {"c", Tensor::of<int64_t>({3}, std::vector<int64_t>{1, 2, 3})},
                                                  {"d", Tensor(DataType::boolean, {0, 4})}};
    write_npz(dir_ / "a.npz", arrays);
    EXPECT_EQ(read_npz(dir_ / "a.npz"), arrays);
    const Tensor fortran = read_npy(kData / "fortran.npy");
    EXPECT_EQ(fortran, counted({2, 3, 4, 5}));
}

TEST_F(SamplesTest, CutsArraysIntoSamples) {
    const auto dims_and_count = [&](const Dims& array, const Dims& input) {
        const Source source = open(saved("a.npy", counted(array)), {{"x", DataType::float32, input}});
        return std::pair(source.at(source.count() - 1).at("x").dims(), source.count());
    };
    EXPECT_EQ(dims_and_count({6, 3, 4}, {-1, 3, 4}), std::pair(Dims({1, 3, 4}), int64_t{6}));
    EXPECT_EQ(dims_and_count({6, 3, 4}, {1, 3, -1}), std::pair(Dims({1, 3, 4}), int64_t{6}));
    EXPECT_EQ(dims_and_count({6, 3, 4}, {2, 3, 4}), std::pair(Dims({2, 3, 4}), int64_t{3}));  // two at a time
    EXPECT_EQ(dims_and_count({3, 4}, {-1, 3, 4}), std::pair(Dims({1, 3, 4}), int64_t{1}));    // without batch axis
    EXPECT_EQ(dims_and_count({5, 2, 3, 4}, {2, 3, 4}), std::pair(Dims({2, 3, 4}), int64_t{5}));
    EXPECT_EQ(dims_and_count({4}, {}), std::pair(Dims({}), int64_t{4}));
    EXPECT_EQ(dims_and_count({}, {}), std::pair(Dims({}), int64_t{1}));
    // What the model takes is empty.
    EXPECT_EQ(dims_and_count({0, 3}, {0, 3}), std::pair(Dims({0, 3}), int64_t{1}));
    EXPECT_EQ(dims_and_count({5, 0, 3}, {0, 3}), std::pair(Dims({0, 3}), int64_t{5}));
    EXPECT_THROW(dims_and_count({4, 3}, {0, 3}), Error);
}

TEST_F(SamplesTest, FolderGoesByName) {
    saved("b.npy", counted({2, 1}));
    Tensor first = counted({1, 1});
    first.values<float>()[0] = 42;
    saved("a.npy", first);
    const Source source = open(dir_, {{"x", DataType::float32, {-1, 1}}});
    ASSERT_EQ(source.count(), 3);
    std::vector<float> values;
    for (const int64_t index : {0, 1, 2, 0}) values.push_back(source.at(index).at("x").values<float>()[0]);
    EXPECT_THAT(values, ElementsAre(42, 0, 1, 42));
}

TEST_F(SamplesTest, LeavesOutWhatIsNoInputAndSaysSo) {
    const Source source = open(kData / "stored.npz", {kX});
    EXPECT_EQ(source.at(0).size(), 1U);
    EXPECT_THAT(source.notes(), ElementsAre(HasSubstr("no such input: `n`")));
    EXPECT_TRUE(open(kData / "stored.npz", {kX, kN}).notes().empty());
    fs::copy(kData / "stored.npz", dir_ / "a.npz");
    fs::copy(kData / "stored.npz", dir_ / "b.npz");
    const Source folder = open(dir_, {kX});
    EXPECT_EQ(folder.notes().size(), 1U);
    EXPECT_THAT(folder.name_of(3), testing::AllOf(HasSubstr("sample 1 of"), HasSubstr("b.npz")));
}

TEST_F(SamplesTest, NamesWhatDoesNotMatch) {
    const fs::path array = saved("x.npy", counted({2, 3, 4, 6}));
    EXPECT_THAT(error_of(array, {kX}),
                AllOf(HasSubstr("SAMPLE_SHAPE"), HasSubstr("[2, 3, 4, 6]"), HasSubstr("`x` takes [any, 3, 4, 5]")));
    EXPECT_THAT(error_of(array, {{"x", DataType::uint8, {-1, 3, 4, 6}}}),
                AllOf(HasSubstr("INPUT_TYPE"), HasSubstr("float32"), HasSubstr("uint8")));
    EXPECT_THAT(error_of(array, {kX, kN}), HasSubstr("SAMPLE_NAME"));
    EXPECT_THAT(error_of(kData / "stored.npz", {{"image", DataType::float32, {-1, 3, 4, 5}}}),
                HasSubstr("no array for the input `image`, but `n`, `x`"));
    EXPECT_THAT(error_of(array, {{"x", DataType::float32, {-1, 6, 3, 4}}}), HasSubstr("numpy.moveaxis(array, -1, 1)"));
    EXPECT_THAT(error_of(array, {{"x", DataType::float32, {-1, 4, 6, 3}}}), HasSubstr("numpy.moveaxis(array, 1, -1)"));
    EXPECT_THAT(error_of(kData / "stored.npz", {kX, kN, {"m", DataType::float32, {1}}}),
                HasSubstr("no array for the input `m`"));
    EXPECT_THAT(error_of(dir_ / "none.npz", {kX}), HasSubstr("FILE_MISSING"));
    fs::remove(array);
    EXPECT_THAT(error_of(dir_, {kX}), HasSubstr("SAMPLE_NONE"));
    write_npz(dir_ / "c.npz", {{"x", counted({2, 3, 4, 5})}, {"n", Tensor(DataType::int64, {3, 1})}});
    EXPECT_THAT(error_of(dir_ / "c.npz", {kX, kN}), HasSubstr("SAMPLE_COUNT"));
}

/// Every byte of the head and directory changed, every truncation: an Error or the same samples, never anything else.
TEST_F(SamplesTest, DamagedFilesNeverGetThrough) {
    for (const char* name : {"stored.npz", "compressed.npz", "fortran.npy"}) {
        const bool one = std::string(name) == "fortran.npy";
        const std::vector<InputSpec> inputs = one ? std::vector{kX} : std::vector{kX, kN};
        const std::string hash = open(kData / name, inputs).sha256();
        const std::vector<std::byte> good = read_file(kData / name);
        const fs::path path = dir_ / name;
        int caught = 0;
        for (size_t i = 0; i < good.size(); i += 3) {
            std::vector<std::byte> bad = good;
            bad[i] ^= std::byte{0x55};
            std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(bad.data()), std::ssize(bad));
            try {
                const Source source = open(path, inputs);
                EXPECT_TRUE(one || source.sha256() == hash) << name << " byte " << i;
            } catch (const Error&) {
                ++caught;
            }
        }
        EXPECT_GT(caught, one ? 5 : 100) << name;
        for (size_t size = 0; size < good.size(); size += 7) {
            std::ofstream(path, std::ios::binary)
                .write(reinterpret_cast<const char*>(good.data()), static_cast<long>(size));
            EXPECT_THROW(open(path, inputs), Error) << name << " cut to " << size;
        }
    }
}

}  // namespace
}  // namespace calotype::samples
