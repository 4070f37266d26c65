#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "samples/image.hpp"
#include "samples/samples.hpp"

namespace calotype::samples {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

const fs::path kData = fs::path(CALOTYPE_SOURCE_DIR) / "tests/samples/data";
const InputSpec kNchw{"x", DataType::float32, {-1, 3, 4, 6}};

/// Of this process alone.
fs::path scratch(const std::string& name) {
    return fs::path(testing::TempDir()) / ("calotype_images_test_" + std::to_string(::getpid()) + "_" + name);
}

Tensor first(const InputSpec& input, const ImageOptions& options) {
    return open_images({kData / "two_colours.png"}, {input}, options)->at(0).at("x");
}

TEST(Images, DecodesInRgbAndNormalizes) {
    ImageOptions options;
    options.mean = {10, 20, 30};
    options.std = {2};
    const Tensor tensor = first(kNchw, options);  // left RGB 30, 20, 10; right 50, 100, 200
    EXPECT_EQ(tensor.dims(), (Dims{1, 3, 4, 6}));
    const auto x = tensor.values<float>();
    EXPECT_THAT((std::vector{x[0], x[24], x[48]}), ElementsAre(10.0f, 0.0f, -10.0f));
    EXPECT_THAT((std::vector{x[5], x[29], x[53]}), ElementsAre(20.0f, 40.0f, 85.0f));
}

TEST(Images, LaysOutAndOrdersChannels) {
    ImageOptions options;
    options.channels = Channels::bgr;
    const Tensor tensor = first({"x", DataType::uint8, {1, 4, 6, 3}}, options);
    EXPECT_EQ(tensor.dims(), (Dims{1, 4, 6, 3}));
    EXPECT_THAT(tensor.values<uint8_t>().subspan(0, 3), ElementsAre(10, 20, 30));
}

TEST(Images, ResizesByArea) {
    Image ramp{1, 4, 1, {0, 10, 20, 30}};
    EXPECT_EQ(resize(ramp, 1, 4).pixels, (std::vector<float>{0, 10, 20, 30}));
    const RealImage half = resize(ramp, 1, 2);
    EXPECT_NEAR(half.pixels[0], 50.0 / 7, 1e-4);  // taps 3, 3, 1 of 7: the triangle of reach 2, cut at the edge
    EXPECT_NEAR(half.pixels[0] + half.pixels[1], 30, 1e-4);
    EXPECT_EQ(resize(Image{1, 1, 1, {7}}, 3, 2).pixels, std::vector<float>(6, 7.0f));
    ImageOptions options;
    options.resize = {{2, 2}};
    EXPECT_EQ(first({"x", DataType::float32, {-1, 3, -1, -1}}, options).dims(), (Dims{1, 3, 2, 2}));
}

TEST(Images, ResizesTallPicturesByTheirHeightFirst) {
    const Image tall{1 << 20, 1, 1, std::vector<uint8_t>(1 << 20, 7)};
    const RealImage resized = resize(tall, 4, 16384);  // width first it would be 2^34 pixels in between
    ASSERT_EQ(resized.pixels.size(), 4u * 16384);
    for (const float pixel : resized.pixels) EXPECT_NEAR(pixel, 7, 1e-3);
}

TEST(Images, DecodesAPictureOnce) {
    const fs::path folder = scratch("once");
    fs::create_directories(folder);
    fs::copy_file(kData / "gray.jpg", folder / "gray.jpg", fs::copy_options::overwrite_existing);
    const Source source = open(folder, {{"x", DataType::float32, {-1, 1, 4, 4}}});
    const auto first = source.at(0);
    fs::remove_all(folder);
    EXPECT_EQ(source.at(0), first);
}

TEST(Images, ReadsJpegAsGray) {
    const Image image = read_image(kData / "gray.jpg", true);
    ASSERT_EQ(image.pixels.size(), 64u);
    for (const float pixel : image.pixels) EXPECT_NEAR(pixel, 120, 1);
    EXPECT_EQ(read_image(kData / "gray.jpg", false).pixels.size(), 192u);
}

TEST(Images, RefusesWhatIsNoImageOrDoesNotFit) {
    const fs::path broken = scratch("broken.jpg");
    std::ofstream(broken) << "no picture";
    EXPECT_THAT([&] { read_image(broken, false); }, ThrowsMessage<Error>(HasSubstr("IMAGE_BROKEN")));
    std::ofstream(broken) << "\x89PNG\r\n but no more";
    EXPECT_THAT([&] { read_image(broken, false); }, ThrowsMessage<Error>(HasSubstr("IMAGE_BROKEN")));
    fs::remove(broken);
    ImageOptions options;
    EXPECT_THAT([&] { first({"x", DataType::float32, {1, 10}}, options); }, ThrowsMessage<Error>(HasSubstr("4 axes")));
    options.mean = {1, 2};
    EXPECT_THAT([&] { first(kNchw, options); }, ThrowsMessage<Error>(HasSubstr("`--mean`: it has 2 values")));
    options = {};
    options.std = {0};
    EXPECT_THAT([&] { first(kNchw, options); }, ThrowsMessage<Error>(HasSubstr("not above 0")));
}

TEST(Images, RefusesColoursForPrint) {
    EXPECT_THAT([&] { read_image(kData / "cmyk.jpg", false); },
                ThrowsMessage<Error>(HasSubstr("IMAGE_COLORS: `" + (kData / "cmyk.jpg").string() +
                                               "`: its colours are CMYK, for print; RGB and gray pictures are read")));
}

TEST(Images, RefusesALayoutThatWouldMakeTheChannelsAHeight) {
    ImageOptions options;
    options.layout = Layout::nhwc;
    EXPECT_THAT([&] { first({"x", DataType::float32, {-1, 3, -1, -1}}, options); },
                ThrowsMessage<Error>(HasSubstr("its shape is [-1, 3, -1, -1], with its 3 channels first; --layout nhwc "
                                               "looks for them last")));
    options.layout = Layout::nchw;
    EXPECT_THAT([&] { first({"x", DataType::float32, {1, -1, -1, 1}}, options); },
                ThrowsMessage<Error>(HasSubstr("--layout nchw looks for them first")));
}

}  // namespace
}  // namespace calotype::samples
