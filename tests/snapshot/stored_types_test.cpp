#include "snapshot/stored_types.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "snapshot/safetensors.hpp"

namespace calotype::snapshot {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;
using Tensors = std::map<std::string, Tensor>;

const Tensor kWords({2, 2}, {"a", "", std::string("b\0c", 3), "é"});

Tensor narrow(DataType type, uint8_t code) { return Tensor(type, {1}, {std::byte{code}}); }

TEST(StoredTypes, ComeBackFromAFile) {
    const Tensors tensors{{"input/x", kWords},
                          {"input/none", Tensor(DataType::string, {0, 3})},
                          {"0/output/int4/y", narrow(DataType::int4, 15)},
                          {"0/output/f", narrow(DataType::float8_e8m0fnu, 200)},
                          {"0/output/z", Tensor(DataType::float32, {2})}};
    const auto bytes = to_safetensors(in_stored_types(tensors));
    EXPECT_EQ(from_stored_types(from_safetensors(bytes, "`it`"), "`it`"), tensors);
}

/// What is stored for the words, spoilt.
void expect_refused(const std::function<void(Tensors&)>& spoil, const std::string& cause) {
    Tensors stored = in_stored_types({{"x", kWords}, {"n", narrow(DataType::uint2, 3)}});
    spoil(stored);
    EXPECT_THAT([&] { from_stored_types(stored, "`it`"); },
                ThrowsMessage<Error>(testing::AllOf(HasSubstr("SNAPSHOT_DAMAGED"), HasSubstr(cause))));
}

TEST(StoredTypes, RefuseWhatWasSpoilt) {
    const auto end = [](Tensors& stored, size_t i) -> int64_t& { return stored.at("ends/x").values<int64_t>()[i]; };
    expect_refused([](Tensors& stored) { stored.erase("ends/x"); }, "where its strings end is missing");
    expect_refused([](Tensors& stored) { stored.erase("string/x"); }, "its strings are missing");
    expect_refused([&](Tensors& stored) { end(stored, 0) = -1; }, "string 0 ends at byte -1");
    expect_refused([&](Tensors& stored) { end(stored, 1) = 0; }, "string 1 ends at byte 0");
    expect_refused([&](Tensors& stored) { end(stored, 3) = 7; }, "string 3 ends at byte 7");
    expect_refused([&](Tensors& stored) { end(stored, 3) = 5; }, "string 3 is no valid UTF-8");
    expect_refused([&](Tensors& stored) { end(stored, 3) = 4; }, "it holds bytes of no string");
    expect_refused([](Tensors& stored) { stored.at("string/x") = Tensor(DataType::int8, {6}); }, "are no bytes");
    expect_refused([](Tensors& stored) { stored.at("uint2/n").bytes()[0] = std::byte{4}; }, "no code of uint2");
    expect_refused([](Tensors& stored) { stored.at("uint2/n") = Tensor(DataType::float32, {1}); }, "are no bytes");
    expect_refused([](Tensors& stored) { stored.emplace("x", Tensor()); }, "it holds `x` twice");
}

}  // namespace
}  // namespace calotype::snapshot
