#include "npu/config.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <string>

#include "base/file.hpp"

namespace calotype::npu {
namespace {

using testing::HasSubstr;

std::string default_json() {
    const auto bytes =
        read_file(std::filesystem::path(CALOTYPE_SOURCE_DIR) / "data/npu/VE2802_NPU_IP_O00_A304_M3.json");
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
}

std::string what_is_wrong(const std::string& json) {
    try {
        parse_config(json, "mine.json");
    } catch (const Error& error) {
        EXPECT_EQ(error.text().code, "NPU_CONFIG");
        return error.text().fact;
    }
    return "nothing";
}

TEST(Config, TheDefaultIsTheFileOfItsName) {
    const Config config = find_config(kDefaultConfig);
    EXPECT_EQ(config.name, kDefaultConfig);
    EXPECT_EQ(config.tiles(), 304);
    EXPECT_EQ(config.int8_macs_per_cycle, 256);
    EXPECT_EQ(config.limit("pad_pixels"), 15);
    EXPECT_FALSE(config.supports("softmax"));
    EXPECT_EQ(config.fingerprint, parse_config(default_json(), "file").fingerprint);
    EXPECT_EQ(builtin_names().front(), kDefaultConfig);
}

TEST(Config, EveryBuiltInCanBeRead) {
    for (const std::string& name : builtin_names()) EXPECT_EQ(find_config(name).name, name);
}

TEST(Config, SpacesAndOrderAreNoPartOfTheFingerprintButNumbersAre) {
    const Config config = parse_config(default_json(), "a");
    EXPECT_EQ(parse_config(replaced(default_json(), "\"rows\": 8,", "\"rows\"  :  8  ,"), "b").fingerprint,
              config.fingerprint);
    EXPECT_NE(parse_config(replaced(default_json(), "\"rows\": 8,", "\"rows\": 9,"), "c").fingerprint,
              config.fingerprint);
}

TEST(Config, NothingIsIgnored) {
    EXPECT_THAT(what_is_wrong(replaced(default_json(), "\"rows\": 8,", "")), HasSubstr("`rows` is missing"));
    EXPECT_THAT(what_is_wrong(replaced(default_json(), "\"rows\"", "\"lines\": 1, \"rows\"")),
                HasSubstr("unknown key `lines`"));
    EXPECT_THAT(what_is_wrong(replaced(default_json(), "\"rows\": 8", "\"rows\": -8")), HasSubstr("`rows` is -8"));
    EXPECT_THAT(what_is_wrong(replaced(default_json(), "\"pad_pixels\"", "\"pad_pixel\"")),
                HasSubstr("`pad_pixels` is missing"));
    EXPECT_THAT(what_is_wrong(replaced(default_json(), "\"softmax\": false", "\"softmax\": 0")),
                HasSubstr("true or false"));
    for (const char* name : {"two words", "../one", "line\\nbreak", "\\u001b[31m"})
        EXPECT_THAT(what_is_wrong(replaced(default_json(), "\"name\": \"VE2802_NPU_IP_O00_A304_M3\"",
                                           "\"name\": \"" + std::string(name) + "\"")),
                    HasSubstr("its `name` is not of"));
    EXPECT_EQ(what_is_wrong("{"), "it is no JSON");
    EXPECT_EQ(what_is_wrong(replaced(default_json(), "\"rows\": 8", "\"rows\": 8, \"rows\": 4")),
              "the key `rows` stands twice in one object");
    EXPECT_EQ(what_is_wrong("[]"), "an object is needed");
}

TEST(Config, NumbersThatThePredictionsCannotBearAreRefused) {
    const auto with = [](const std::string& from, const std::string& to) {
        return what_is_wrong(replaced(default_json(), from, to));
    };
    EXPECT_THAT(with("\"clock_hz\": 1250000000", "\"clock_hz\": 1"), HasSubstr("in [1024, "));
    EXPECT_THAT(with("\"int8_macs_per_cycle\": 256", "\"int8_macs_per_cycle\": 1"), HasSubstr("in [4, "));
    EXPECT_THAT(with("\"columns\": 38", "\"columns\": 4503599627370496"), HasSubstr("in [1, 32768]"));
    EXPECT_THAT(with("\"pool_kernel_pixels\": 2048", "\"pool_kernel_pixels\": 8388609"), HasSubstr("in [1, 8388608]"));
    EXPECT_THAT(with("\"piecewise_intervals\": 16", "\"piecewise_intervals\": 8"), HasSubstr("in [16, "));
}

TEST(Config, AnUnknownNameIsAnsweredWithTheNearest) {
    try {
        find_config("VE2802_NPU_IP_O00_A304_M2");
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.text().code, "OPTION_VALUE");
        EXPECT_THAT(error.text().hint, HasSubstr("are `VE2802_NPU_IP_O00_A304_M3`, `"));
    }
}

TEST(Config, NoneHasNoTiles) {
    EXPECT_TRUE(find_config("none").none());
    EXPECT_FALSE(find_config(kDefaultConfig).none());
}

}  // namespace
}  // namespace calotype::npu
