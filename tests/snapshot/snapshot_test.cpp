#include "snapshot/snapshot.hpp"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <limits>

#include "base/file.hpp"
#include "snapshot/check_network.hpp"
#include "snapshot/example.hpp"

namespace calotype::snapshot {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class SnapshotTest : public ::testing::Test {
  protected:
    SnapshotTest() : root_(fs::temp_directory_path() / ("calotype_snapshot_test_" + std::to_string(::getpid()))) {
        fs::create_directories(root_);
    }
    ~SnapshotTest() override { fs::remove_all(root_); }
    fs::path path() const { return root_ / "model.snapshot"; }
    fs::path root_;
};

std::string code_of(const std::function<void()>& work) {
    try {
        work();
    } catch (const Error& error) {
        return error.text().code;
    }
    return "no error";
}

std::map<std::string, std::vector<std::byte>> bytes_of_directory(const fs::path& path) {
    std::map<std::string, std::vector<std::byte>> files;
    for (const auto& entry : fs::directory_iterator(path)) files[entry.path().filename()] = read_file(entry.path());
    return files;
}

TEST_F(SnapshotTest, ReadsWhatWasWritten) {
    const Contents written = tests::example_contents();
    write(path(), written);
    EXPECT_EQ(read(path()), written);
    EXPECT_EQ(read(path(), written.npu), written);
}

TEST_F(SnapshotTest, SameContentsGiveTheSameBytes) {
    write(path(), tests::example_contents());
    const auto first = bytes_of_directory(path());
    write(path(), tests::example_contents());
    EXPECT_EQ(bytes_of_directory(path()), first);
    EXPECT_EQ(first.size(), 7U);
}

TEST_F(SnapshotTest, OneByteChangedAnywhereIsRefused) {
    write(path(), tests::example_contents());
    for (const auto& [name, bytes] : bytes_of_directory(path())) {
        // Every byte of the manifest, every 7th of the others: the manifest alone is not covered by a plain file hash.
        for (size_t at = 0; at < bytes.size(); at += name == "manifest.json" ? 1 : 7) {
            auto changed = bytes;
            changed[at] ^= std::byte{1};
            write_file(path() / name, changed);
            const std::string code = code_of([&] { read(path()); });
            ASSERT_TRUE(code == "SNAPSHOT_DAMAGED" || code == "SNAPSHOT_VERSION")
                << name << " byte " << at << ": " << code;
        }
        write_file(path() / name, bytes);
    }
    EXPECT_EQ(read(path()), tests::example_contents());
}

TEST_F(SnapshotTest, CutOrMissingFilesAreRefused) {
    write(path(), tests::example_contents());
    for (const auto& [name, bytes] : bytes_of_directory(path())) {
        write_file(path() / name, std::span(bytes).first(bytes.size() / 2));
        EXPECT_EQ(code_of([&] { read(path()); }), "SNAPSHOT_DAMAGED") << name;
        fs::remove(path() / name);
        EXPECT_EQ(code_of([&] { read(path()); }), name == "manifest.json" ? "SNAPSHOT_MISSING" : "SNAPSHOT_DAMAGED")
            << name;
        write_file(path() / name, bytes);
    }
}

TEST_F(SnapshotTest, ALinkOutOfTheDirectoryIsRefused) {
    write(path(), tests::example_contents());
    fs::rename(path() / "weights.safetensors", root_ / "elsewhere");
    fs::create_symlink(root_ / "elsewhere", path() / "weights.safetensors");
    EXPECT_EQ(code_of([&] { read(path()); }), "SNAPSHOT_DAMAGED");
}

TEST_F(SnapshotTest, AForeignConfigurationIsRefusedWithBothNames) {
    write(path(), tests::example_contents());
    try {
        read(path(), NpuIdentity{"OTHER_NPU", std::string(64, 'b')});
        FAIL() << "a foreign configuration was accepted";
    } catch (const Error& error) {
        EXPECT_EQ(error.text().code, "CONFIG_SNAPSHOT_MISMATCH");
        for (const std::string& part :
             {std::string("TEST_NPU"), std::string("OTHER_NPU"), std::string(64, 'a'), std::string(64, 'b')}) {
            EXPECT_THAT(error.what(), HasSubstr(part));
        }
    }
}

TEST_F(SnapshotTest, AWriterKilledAtAnyMomentLeavesTheOldOrTheNew) {
    const Contents old = tests::example_contents();
    Contents fresh = old;
    fresh.report_json = "{\n \"layers\": [\n  1\n ]\n}";
    write(path(), old);
    for (int microseconds = 0; microseconds < 12000; microseconds += 400) {
        const pid_t child = ::fork();
        if (child == 0) {
            while (true) write(path(), fresh);
        }
        ::usleep(static_cast<useconds_t>(microseconds));
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
        const Contents found = read(path());
        ASSERT_TRUE(found == old || found == fresh) << microseconds;
    }
    write(path(), fresh);
    EXPECT_EQ(std::distance(fs::directory_iterator(root_), {}), 1)
        << "a killed writer's leftovers are removed by the next";
}

// An activation that stands alone is a depthwise convolution: of a vector, one with as many channels.
TEST_F(SnapshotTest, AnActivationOfALongVectorIsRead) {
    constexpr int64_t kLength = (1 << 20) + 1;
    Contents contents = tests::example_contents();
    auto& subgraph = std::get<execute::NpuSubgraph>(contents.model.subgraphs[0]);
    npu::Network& network = subgraph.network;
    network.tensors = {tests::code_tensor("image", {kLength}, {0.1F}, {3}),
                       tests::code_tensor("y", {kLength}, {0.1F}, {-128})};
    npu::Layer layer = tests::conv_layer("alone", 1, kLength, 1, npu::TensorId{0}, npu::TensorId{1});
    layer.attributes = npu::Conv{kLength, kLength, kLength, {}};
    layer.weight_scale.assign(layer.bias.size(), 0.1F);
    layer.stage = npu::Requantization{{0.1F}, {-128}, {-128}, {127}};
    network.layers = {std::move(layer)};
    network.inputs = {{npu::TensorId{0}, "image", {1, kLength}, {kLength}, {0}}};
    network.outputs = {{npu::TensorId{1}, "y", {1, kLength}, {kLength}, {0}}};
    subgraph.program = tests::simple_program(network);
    for (auto* port : {&contents.model.inputs[0], &contents.model.outputs[0]}) {
        port->dims = {-1, kLength};
        port->made_for = {1, kLength};
    }
    contents.golden = {};
    write(path(), contents);
    EXPECT_EQ(read(path()), contents);
    EXPECT_EQ(code_of([&] { check_model(contents.model); }), "no error");
}

// Its codes would be read with scales that are not there.
TEST_F(SnapshotTest, AFurtherProgramOfOtherChannelsIsRefused) {
    Contents contents = tests::example_contents();
    auto& subgraph = std::get<execute::NpuSubgraph>(contents.model.subgraphs[0]);
    npu::Network& network = subgraph.network;
    network.layers = {network.layers[1]};  // the pool alone
    network.tensors = {network.tensors[1], network.tensors[2]};
    network.layers[0].inputs = {npu::TensorId{0}};
    network.layers[0].output = npu::TensorId{1};
    network.inputs = {{npu::TensorId{0}, "image", {1, 20, 6, 6}, {20, 6, 6}, {1, 2, 0}}};
    network.outputs = {{npu::TensorId{1}, "y", {1, 20, 3, 3}, {20, 3, 3}, {1, 2, 0}}};
    subgraph.program = tests::simple_program(network);
    contents.golden = {};
    auto further = [&](int64_t channels) {
        for (auto [port, side] : {std::pair(&contents.model.inputs[0], 6), std::pair(&contents.model.outputs[0], 3)}) {
            port->dims = {-1, -1, -1, side};
            port->made_for = {1, 20, side, side};
            port->also_for = {{1, channels, 2 * side, side}};
        }
        npu::Network other = network;
        other.tensors[0].shape = {12, 6, channels};
        other.tensors[1].shape = {6, 3, channels};
        subgraph.more_programs = {tests::simple_program(other)};
        write(path(), contents);
        return code_of([&] { read(path()); });
    };
    EXPECT_EQ(further(20), "no error");
    EXPECT_EQ(further(21), "SNAPSHOT_DAMAGED");
}

// Damage that a checksum cannot see because its author recomputed it: the content itself is refused.
TEST_F(SnapshotTest, NetworksThatCannotRunAreRefused) {
    using Edit = std::function<void(npu::Network&, npu::Program&)>;
    const std::vector<Edit> edits = {
        [](auto& n, auto&) { n.layers[0].weights.pop_back(); },
        [](auto& n, auto&) { n.layers[0].inputs[0] = npu::TensorId{2}; },
        [](auto& n, auto&) { n.layers[0].inputs[0] = npu::TensorId{-1}; },
        [](auto& n, auto&) { n.layers[2].output = npu::TensorId{99}; },
        [](auto& n, auto&) { n.layers[1].output = npu::TensorId{1}; },
        [](auto& n, auto&) { n.tensors[1].shape = {6, 6, 21}; },
        [](auto& n, auto&) { n.tensors[1].shape = {int64_t{1} << 40, 6, 21}; },
        [](auto& n, auto&) { n.tensors[1].quantization.scale[0] = -1; },
        [](auto& n, auto&) { n.tensors[1].quantization.scale.pop_back(); },
        [](auto& n, auto&) { std::get<npu::Pool>(n.layers[1].attributes).window.height.stride = 0; },
        [](auto& n, auto&) {
            auto& window = std::get<npu::Pool>(n.layers[1].attributes).window;  // sums over it could leave an int32
            window.height = window.width = {4096, 2, 1, 2047, 2047};
        },
        [](auto& n, auto&) { std::get<npu::Conv>(n.layers[0].attributes).groups = 0; },
        [](auto& n, auto&) {
            std::get<npu::Conv>(n.layers[0].attributes).window.depth.pad_after = 5;
        },  // found by fuzzing
        [](auto& n, auto&) { std::get<npu::Requantization>(n.layers[0].stage).m.pop_back(); },
        [](auto& n, auto&) { std::get<npu::Requantization>(n.layers[0].stage).lo = {-129}; },
        [](auto& n, auto&) { n.layers[0].stage = npu::AddArithmetic{}; },
        [](auto& n, auto&) { n.inputs[0].axes = {1, 1, 0}; },
        [](auto& n, auto&) { n.inputs[0].split = {3, 6, 7}; },
        [](auto&, auto& p) { p.arena_bytes = 64; },
        [](auto&, auto& p) { p.placement[1].offset_bytes = -64; },
        [](auto&, auto& p) { p.steps.pop_back(); },
        [](auto&, auto& p) { std::swap(p.steps[0], p.steps[1]); },
        [](auto&, auto& p) { p.steps[0].layer = 7; },
        [](auto&, auto& p) { p.shapes[1] = {6, 6, 19}; },
    };
    for (size_t i = 0; i < edits.size(); ++i) {
        Contents contents = tests::example_contents();
        auto& subgraph = std::get<execute::NpuSubgraph>(contents.model.subgraphs[0]);
        edits[i](subgraph.network, subgraph.program);
        write(path(), contents);
        const std::string code = code_of([&] { read(path()); });
        EXPECT_EQ(code, "SNAPSHOT_DAMAGED") << "edit " << i;
        EXPECT_EQ(code_of([&] { check_model(contents.model); }), code) << "before writing, edit " << i;
    }
}

/// The example's output plus a constant map.
Contents contents_with_a_constant() {
    Contents contents = tests::example_contents();
    auto& subgraph = std::get<execute::NpuSubgraph>(contents.model.subgraphs[0]);
    npu::Network& network = subgraph.network;
    network.tensors.push_back(tests::code_tensor("map", {3, 3, 4}, {0.02F}, {0}));
    for (int i = 0; i < 36; ++i) network.tensors.back().constant.push_back(static_cast<int8_t>(3 * i - 60));
    network.tensors.push_back(tests::code_tensor("sum", {3, 3, 4}, {0.05F}, {-128}));
    npu::Layer add;
    add.name = "add";
    add.sources = {"add"};
    add.attributes = npu::Add{};
    add.inputs = {npu::TensorId{3}, npu::TensorId{4}};
    add.output = npu::TensorId{5};
    add.stage = npu::AddArithmetic{{1 << 10}, {1 << 9}, 5, {-128}, {-128}, {127}};
    network.layers.push_back(add);
    network.outputs[0].tensor = npu::TensorId{5};
    subgraph.program = tests::simple_program(network);
    contents.golden.reset();
    return contents;
}

TEST_F(SnapshotTest, AConstantMapIsReadWithTheWeights) {
    const Contents contents = contents_with_a_constant();
    write(path(), contents);
    const execute::Model model = read(path()).model;
    EXPECT_EQ(std::get<execute::NpuSubgraph>(model.subgraphs[0]).network,
              std::get<execute::NpuSubgraph>(contents.model.subgraphs[0]).network);
}

TEST_F(SnapshotTest, AConstantMapThatDoesNotFitIsRefused) {
    using Edit = std::function<void(npu::Network&, npu::Program&)>;
    const std::vector<std::pair<const char*, Edit>> edits = {
        {"36 codes fill it", [](auto& n, auto&) { n.tensors[4].constant.pop_back(); }},
        {"the layer reads nothing", [](auto& n, auto&) { n.tensors[4].constant.clear(); }},
        {"a layer makes it too", [](auto& n, auto&) { n.layers[3].output = npu::TensorId{4}; }},
        {"it is an input too", [](auto& n, auto&) { n.tensors[0].constant.resize(108); }},
        {"a program for a larger map would read past it",
         [](auto& n, auto& p) {
             n.tensors[4].shape = {3, 3, 4};
             p.shapes[0] = {8, 8, 3};
             p.shapes[1] = {8, 8, 20};
             p.shapes[2] = {4, 4, 20};
             p.shapes[3] = p.shapes[4] = p.shapes[5] = {4, 4, 4};
             p.placement.assign(6, {0, 1280});
             p.arena_bytes = 1280;
         }},
    };
    for (const auto& [what, edit] : edits) {
        Contents contents = contents_with_a_constant();
        auto& subgraph = std::get<execute::NpuSubgraph>(contents.model.subgraphs[0]);
        edit(subgraph.network, subgraph.program);
        write(path(), contents);
        EXPECT_EQ(code_of([&] { read(path()); }), "SNAPSHOT_DAMAGED") << what;
    }
}

}  // namespace
}  // namespace calotype::snapshot
