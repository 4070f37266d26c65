// Text of unknown origin: what is UTF-8, what JSON may be worked on, which name is near, what an error prints.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/nearest.hpp"
#include "base/utf8.hpp"

namespace calotype {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Utf8, WholeCharactersOnly) {
    for (const std::string good : {"", "plain", "\xc3\xa9", "\xe5\x86\x85", "\xf0\x9f\x93\xb7", "\xf4\x8f\xbf\xbf"}) {
        EXPECT_EQ(utf8_prefix(good), good.size()) << good;
    }
    // A lone continuation, overlong forms, a surrogate, beyond U+10FFFF, cut off: the text before them is good.
    for (const std::string bad :
         {"\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff", "\xe5\x86", "\xf0\x9f\x93"}) {
        EXPECT_EQ(utf8_prefix("ab" + bad), 2U) << bad;
    }
}

TEST(Json, DeepNestingIsRefused) {
    const auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    const std::string deep = "its objects and arrays lie more than 64 deep";
    EXPECT_EQ(parse_json(nested(64)).fault, "");
    EXPECT_EQ(parse_json(nested(65)).fault, deep);
    EXPECT_EQ(parse_json(nested(500'000)).fault, deep);
    EXPECT_EQ(parse_json("\"" + std::string(100, '[') + "\\\"[\"").fault, "") << "brackets in a string";
    EXPECT_EQ(parse_json("{\"a\": 1").fault, "it is no JSON");
}

TEST(Json, ManyValuesAreRefused) {
    const auto zeros = [](size_t count) {
        std::string text = "[0";
        for (size_t i = 1; i < count; ++i) text += ",0";
        return text + "]";
    };
    EXPECT_EQ(parse_json(zeros(kMostJsonValues - 1)).fault, "") << "the array counts";
    EXPECT_EQ(parse_json(zeros(kMostJsonValues)).fault, "it holds more than 2097152 values");
}

TEST(Json, WhatIsLongIsRefused) {
    const auto text = [](size_t bytes) { return "[\"" + std::string(bytes, 'x') + "\"]"; };
    const std::string fault = "a text or number of it has more than 1048576 bytes";
    EXPECT_EQ(parse_json(text(kLongestJsonText - 1)).fault, "");
    EXPECT_EQ(parse_json(text(kLongestJsonText)).fault, fault);
    EXPECT_EQ(parse_json("[" + std::string(kLongestJsonText + 1, '9') + "]").fault, fault);
    EXPECT_EQ(parse_json(std::string(kMostJsonBytes + 1, ',')).fault,
              "it has 50331649 bytes, at most 50331648 are read");
    std::string keys = "{";
    for (size_t i = 0; i < kMostJsonKeys; ++i) keys += fmt::format("\"k{}\":0,", i);
    EXPECT_EQ(parse_json(keys + "\"last\":0}").fault, "an object of it has more than 131072 keys");
    keys.back() = '}';
    EXPECT_EQ(parse_json(keys).fault, "");
}

TEST(Json, AKeyTwiceIsRefused) {
    const std::string twice = "the key `a` stands twice in one object";
    EXPECT_EQ(parse_json(R"({"a": 1, "b": 2, "a": 1})").fault, twice);
    EXPECT_EQ(parse_json(R"([{"b": [{"a": {}, "\u0061": {}}]}])").fault, twice);
    EXPECT_EQ(parse_json(R"({"a": {"a": [{"a": 1}, {"a": 1}]}, "b": {"a": 1}})").fault, "");
}

TEST(Nearest, FewestLettersToChange) {
    EXPECT_THAT(nearest("compil", {"run", "compile", "inspect"}, 1), ElementsAre("compile"));
    EXPECT_THAT(nearest("x", {"b", "a"}), ElementsAre("b", "a")) << "ties stay in order";
}

TEST(Error, PrintsOneShortLine) {
    const Error odd({"CODE", "node `a\nb`", std::string(1 << 20, 'x') + "\x1b", ""});
    EXPECT_THAT(odd.what(), HasSubstr("CODE: node `a\\x0ab`: xxx"));
    EXPECT_THAT(odd.what(), HasSubstr("... (1048577 bytes)"));
    EXPECT_LT(std::string(odd.what()).size(), 1400U);
    EXPECT_EQ(std::string(odd.what()).find('\n'), std::string::npos);
}

}  // namespace
}  // namespace calotype
