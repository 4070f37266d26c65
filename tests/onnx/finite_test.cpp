// Which weights may hold NaN (none) or an infinity (bounds and masks).

#include <cmath>

#include "onnx/model_bytes.hpp"

namespace calotype::onnx {
namespace {

using testing::HasSubstr;

/// `w` [2, 2] holds ones and, at [1, 0], `odd`; `nodes` read it.
std::string with(float odd, const Fill& nodes) {
    return model([&](pbf_writer& g) {
        g.add_message(field::graph::initializer, made([&](pbf_writer& t) {
                          t.add_string(field::tensor::name, "w");
                          for (int i = 0; i < 2; ++i) t.add_int64(field::tensor::dims, 2);
                          t.add_int32(field::tensor::data_type, 1);
                          for (const float x : {1.0F, 1.0F, odd, 1.0F}) t.add_float(field::tensor::float_data, x);
                      }));
        nodes(g);
    });
}

Fill binary(const std::string& op, const std::string& second = "w", const std::string& third = "") {
    return [=](pbf_writer& g) {
        add_node(g, op, "x", "y", [&](pbf_writer& n) {
            n.add_string(field::node::input, second);
            if (!third.empty()) n.add_string(field::node::input, third);
        });
    };
}

TEST(Finite, NanIsRefusedEverywhere) {
    for (const char* op : {"Conv", "Add", "Clip", "Where", "Unknown"}) {
        EXPECT_THAT(message(with(NAN, binary(op))),
                    HasSubstr("WEIGHT_NOT_FINITE: `m.onnx`: tensor `w`: element [1, 0] is NaN"))
            << op;
    }
}

TEST(Finite, AnInfinityIsRefusedAsAFactor) {
    for (const char* op : {"Conv", "ConvTranspose", "Gemm", "MatMul", "Mul", "Div", "BatchNormalization", "PRelu"}) {
        EXPECT_THAT(message(with(-INFINITY, binary(op))),
                    HasSubstr(std::string("tensor `w`: element [1, 0] is -inf, and node `") + op + "_of_x` (" + op +
                              ") computes with it"))
            << op;
    }
    EXPECT_THAT(message(with(INFINITY, binary("Conv", "x", "w"))), HasSubstr("is inf, and node `Conv_of_x`"))
        << "a bias";
    EXPECT_THAT(message(with(INFINITY, binary("Add"))), HasSubstr("is inf, and node `Add_of_x`"));
}

TEST(Finite, ThroughOperatorsThatMoveIt) {
    EXPECT_THAT(message(with(INFINITY,
                             [](pbf_writer& g) {
                                 add_node(g, "Transpose", "w", "a");
                                 add_node(g, "Identity", "a", "b");
                                 binary("Conv", "b")(g);
                             })),
                HasSubstr("tensor `w`: element [1, 0] is inf, and node `Conv_of_x`"));
}

TEST(Finite, AnInfinityMayBeABoundOrAMask) {
    for (const char* op : {"Clip", "Min", "Max", "Pad", "Where", "Add"}) {
        EXPECT_EQ(message(with(-INFINITY, binary(op))), "no error") << op;
    }
}

TEST(Finite, Attributes) {
    const auto with_attribute = [](const std::string& op, float value) {
        return message(model([&](pbf_writer& g) {
            add_node(g, op, "x", "y", [&](pbf_writer& n) {
                n.add_message(field::node::attribute, made([&](pbf_writer& a) {
                                  a.add_string(field::attribute::name, "alpha");
                                  a.add_float(field::attribute::f, value);
                              }));
            });
        }));
    };
    EXPECT_THAT(with_attribute("Elu", NAN),
                HasSubstr("WEIGHT_NOT_FINITE: `m.onnx`: node `Elu_of_x` (Elu): its attribute `alpha` is nan"));
    EXPECT_THAT(with_attribute("Elu", INFINITY), HasSubstr("its attribute `alpha` is inf"));
    EXPECT_EQ(with_attribute("Clip", INFINITY), "no error");
}

}  // namespace
}  // namespace calotype::onnx
