// Broken wire format: the message says at which byte, in which field of which message.

#include "onnx/model_bytes.hpp"

namespace calotype::onnx {
namespace {

using testing::HasSubstr;

/// Relu from `x` to `y` behind an opset; the graph's field begins at byte 4.
std::string relu() {
    return model([](pbf_writer& g) { add_node(g, "Relu", "x", "y"); });
}

TEST(Damage, WrongWireType) {
    const std::string bytes = made([](pbf_writer& w) { w.add_int64(field::model::graph, 5); });
    EXPECT_THAT(message(bytes), HasSubstr("ONNX_INVALID: `m.onnx`: it is no ONNX model, or damaged: at byte 0, field 7 "
                                          "of ModelProto: a field has the wrong wire type"));
}

TEST(Damage, CutOff) {
    const std::string whole = relu();
    ASSERT_EQ(message(whole), "no error");
    EXPECT_THAT(message(whole.substr(0, whole.size() - 1)),
                HasSubstr("damaged: at byte 4, field 7 of ModelProto: it ends before its content does"));
    EXPECT_THAT(message(whole.substr(0, 5)), HasSubstr("at byte 4, field 7 of ModelProto"));
}

/// A field of a message deep inside gets a length that leads out of its message.
TEST(Damage, DeepInsideNamesTheInnermostMessage) {
    std::string bytes = relu();
    const size_t op = bytes.find("\x22\x04Relu");  // field 4, 4 bytes
    ASSERT_NE(op, std::string::npos);
    bytes[op + 1] = 100;
    EXPECT_THAT(message(bytes),
                HasSubstr("at byte " + std::to_string(op) + ", field 4 of NodeProto: it ends before its content does"));
}

TEST(Damage, BrokenKeys) {
    EXPECT_THAT(message(std::string("\x07", 1)), HasSubstr("at byte 0, a field of ModelProto: "));
    EXPECT_THAT(message(std::string("\x00", 1)), HasSubstr("at byte 0, a field of ModelProto: its number is 0"));
    EXPECT_THAT(message(std::string(12, '\xff')),
                HasSubstr("at byte 0, a field of ModelProto: a number is longer than 10 bytes"));
}

TEST(Damage, NamesAreUtf8) {
    EXPECT_THAT(message(model([](pbf_writer& g) { add_node(g, "Relu", "x", "y\xff"); })),
                HasSubstr("field 2 of NodeProto: its byte 1 is no UTF-8 text"));
    EXPECT_EQ(message(model([](pbf_writer& g) {
                  add_node(g, "Relu", "x", "\xe5\x86\x85 \xf0\x9f\x93\xb7");
                  add_node(g, "Relu", "x", "y");
              })),
              "no error");
}

}  // namespace
}  // namespace calotype::onnx
