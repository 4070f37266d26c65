#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "samples/npy.hpp"
#include "samples/npy_strings.hpp"

namespace calotype::samples {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

Tensor read_back(const std::string& file) {
    const NpyHeader header = parse_npy_header(bytes_of(file), "it");
    const auto stored = bytes_of(file).subspan(static_cast<size_t>(header.data_offset));
    EXPECT_EQ(std::ssize(stored), data_bytes(header));
    return npy_elements(header, header.dims, {stored.begin(), stored.end()}, "it");
}

TEST(NpyStrings, ComeBackWithCharactersOfEveryLength) {
    const Tensor words({2, 2}, {"a", "é\u0101", "\u20ac", std::string("\U0001f4f7\0x", 6)});
    const std::string file = npy_bytes(words);
    EXPECT_THAT(file, HasSubstr("'descr': '<U3', 'fortran_order': False, 'shape': (2, 2)"));
    EXPECT_EQ(read_back(file), words);
    EXPECT_EQ(read_back(npy_bytes(Tensor({2}, {"", ""}))), Tensor({2}, {"", ""}));
    EXPECT_EQ(from_fortran_order(Tensor({2, 2}, {"a", "b", "c", "d"})), Tensor({2, 2}, {"a", "c", "b", "d"}));
}

TEST(NpyStrings, RefuseWhatAReaderWouldLose) {
    EXPECT_THAT([] { npy_bytes(Tensor({1}, {std::string("a\0", 2)})); },
                ThrowsMessage<Error>(HasSubstr("NPY_STRINGS: a tensor of strings: one ends in a NUL")));
    std::vector<std::string> many(1 << 16);
    many[7] = std::string(1 << 15, 'x');
    EXPECT_THAT([&] { npy_bytes(Tensor({1 << 16}, std::move(many))); },
                ThrowsMessage<Error>(HasSubstr("more than 4 GiB")));
}

TEST(NpyStrings, RefuseWhatIsNoUnicode) {
    for (const std::string& stored :
         {std::string("\x00\xd8\x00\x00", 4), std::string("\x00\x00\x11\x00", 4), std::string("\xff\xff\xff\xff", 4)})
        EXPECT_EQ(utf8_of(bytes_of(stored)), std::nullopt);
    std::string file = npy_bytes(Tensor({1}, {"ab"}));
    file[file.size() - 3] = '\xd8';
    file[file.size() - 4] = '\0';
    EXPECT_THAT([&] { read_back(file); },
                ThrowsMessage<Error>(HasSubstr("NPY_BROKEN: it: its string 0 holds what is no Unicode character")));
}

std::string head(const std::string& descr) {
    const std::string dict = "{'descr': '" + descr + "', 'fortran_order': False, 'shape': (1000000000000,), }\n";
    return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(dict.size()) + '\0' + dict;
}

TEST(NpyStrings, RefuseWidthsThatAskForNothingOrForEverything) {
    for (const char* descr : {"<U0", "<U", "<U-1", "<U99999999999999999999", ">U1", "|O", "|S3"})
        EXPECT_THAT([&] { parse_npy_header(bytes_of(head(descr)), "it"); }, ThrowsMessage<Error>(HasSubstr("NPY_TYPE")))
            << descr;
    EXPECT_THAT([&] { parse_npy_header(bytes_of(head("<U200000000")), "it"); },
                ThrowsMessage<Error>(HasSubstr("leaves 64 bits")));
}

TEST(NpyNarrow, AreBytesOfNoTypeAsNumPyStoresThem) {
    const std::string file = npy_bytes(Tensor(DataType::int4, {2}, {std::byte{1}, std::byte{15}}));
    EXPECT_THAT(file, HasSubstr("'descr': '<V1'"));
    const NpyHeader header = parse_npy_header(bytes_of(file), "it");
    EXPECT_TRUE(header.untyped_byte);
    EXPECT_EQ(data_bytes(header), 2);
}

}  // namespace
}  // namespace calotype::samples
