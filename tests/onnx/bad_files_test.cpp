// Files that are damaged, hostile or unsupported: one Error that names what is wrong, never a crash.

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <random>

#include "onnx/model_bytes.hpp"
#include "onnx/write.hpp"

namespace calotype::onnx {
namespace {

using testing::HasSubstr;

TEST(BadFile, EmptyOrNoOnnx) {
    EXPECT_THAT(message(""), HasSubstr("ONNX_INVALID: `m.onnx`: it is empty"));
    EXPECT_THAT(message(made([](pbf_writer& w) { w.add_message(field::model::graph, std::string()); })),
                HasSubstr("ONNX_INVALID: `m.onnx`: the graph: it has no outputs"));
    EXPECT_THAT(message(made([](pbf_writer& w) { w.add_int64(field::model::ir_version, 1000); })),
                HasSubstr("ONNX_INVALID: `m.onnx`: it is of IR version 1000, up to 14 are read"));
    EXPECT_THAT(message("\x89PNG\r\n\x1a\n and so on"), HasSubstr("`m.onnx`"));
    EXPECT_THROW(read("/nowhere/m.onnx"), Error);
}

TEST(BadFile, Dataflow) {
    EXPECT_THAT(message(model([](pbf_writer& g) {
                    add_node(g, "Relu", "a", "y");
                    add_node(g, "Neg", "y", "a");
                })),
                HasSubstr("GRAPH_CYCLE: `m.onnx`: node `Relu_of_a` (Relu): it waits for its own result: `Relu_of_a` -> "
                          "`Neg_of_y` -> `Relu_of_a` is a cycle"));
    EXPECT_THAT(message(model([](pbf_writer& g) {
                    add_node(g, "Abs", "y", "z");  // first in the file, but only behind the cycle
                    add_node(g, "Relu", "y", "y");
                })),
                HasSubstr("node `Relu_of_y` (Relu): it waits for its own result: `Relu_of_y` -> `Relu_of_y` is a"));
    EXPECT_THAT(message(model([](pbf_writer& g) { add_node(g, "Relu", "nobody", "y"); })),
                HasSubstr("node `Relu_of_nobody` (Relu): it reads `nobody`, which nothing makes"));
    EXPECT_THAT(message(model([](pbf_writer& g) {
                    add_node(g, "Relu", "x", "y");
                    add_node(g, "Neg", "x", "y");
                })),
                HasSubstr("it makes `y`, which is made before"));
    EXPECT_THAT(message(model([](pbf_writer& g) { add_node(g, "Relu", "x", "z"); })),
                HasSubstr("output `y`: nothing makes it"));
    EXPECT_THAT(message(model([](pbf_writer& g) {
                    g.add_message(field::graph::input, value_info("x"));
                    add_node(g, "Relu", "x", "y");
                })),
                HasSubstr("input `x`: its name is missing or given twice"));
}

// TorchScript writes `return y, y` so; a value has one name, under which it is handed out.
TEST(BadFile, AnOutputListedTwiceIsNone) {
    const graph::Graph graph = parse_text(model([](pbf_writer& g) {
        add_node(g, "Relu", "x", "y");
        g.add_message(field::graph::output, value_info("y"));
    }));
    EXPECT_EQ(graph.outputs.size(), 1u);
}

TEST(BadFile, ShapesOfValues) {
    const auto with_dim = [](int64_t dim) {
        return message(model([&](pbf_writer& g) {
            g.add_message(field::graph::value_info, value_info("a", {1, dim}));
            add_node(g, "Relu", "x", "a");
            add_node(g, "Relu", "a", "y");
        }));
    };
    EXPECT_THAT(with_dim(-3), HasSubstr("value `a`: a dim of its shape is -3"));
    EXPECT_THAT(with_dim(INT64_MAX), HasSubstr("value `a`: a dim of its shape is 9223372036854775807"));
    EXPECT_EQ(with_dim(7), "no error");
    EXPECT_EQ(with_dim(-1), "no error");  // free: as Paddle writes it
}

TEST(BadFile, TensorContents) {
    EXPECT_THAT(message(model_with_weights([](pbf_writer& t) {
                    four_floats(t);
                    t.add_bytes(field::tensor::raw_data, std::string(15, '\0'));
                })),
                HasSubstr("tensor `w`: it has 15 bytes, its shape [4] needs 16"));
    EXPECT_THAT(message(model_with_weights([](pbf_writer& t) {
                    four_floats(t);
                    for (int i = 0; i < 3; ++i) t.add_float(field::tensor::float_data, 1);
                })),
                HasSubstr("tensor `w`: it has 3 values, its shape [4] needs 4"));
    EXPECT_THAT(
        message(model_with_weights([](pbf_writer& t) {
            four_floats(t);
            t.add_int64(field::tensor::dims, int64_t{1} << 60);
            t.add_bytes(field::tensor::raw_data, std::string(16, '\0'));
        })),
        HasSubstr("LIMIT_ONNX: `m.onnx`: tensor `w`: its shape [4, 1152921504606846976] has more than 2147483648 "
                  "elements\n  try: if it is meant so, raise the limit with --max-elements"));
    EXPECT_THAT(message(model_with_weights([](pbf_writer& t) {
                    four_floats(t);
                    t.add_int64(field::tensor::dims, -1);
                })),
                HasSubstr("ONNX_TENSOR: `m.onnx`: tensor `w`: its shape [4, -1] is negative"));
    EXPECT_THAT(message(model_with_weights([](pbf_writer& t) {
                    t.add_int64(field::tensor::dims, 4);
                    t.add_int32(field::tensor::data_type, 99);
                })),
                HasSubstr("tensor `w`: its element type 99 is not supported"));
}

TEST(BadFile, NumbersPackedOrNotAreTheSame) {
    const std::vector<float> x = {1, 2, 3, 4};
    const auto packed = parse_text(model_with_weights([&](pbf_writer& t) {
        four_floats(t);
        t.add_packed_float(field::tensor::float_data, x.begin(), x.end());
    }));
    const auto single = parse_text(model_with_weights([&](pbf_writer& t) {
        four_floats(t);
        for (const float one : x) t.add_float(field::tensor::float_data, one);
    }));
    EXPECT_EQ(packed.value(*packed.find_value("w")).constant.value(), Tensor::of<float>({4}, std::span(x)));
    EXPECT_EQ(write(packed), write(single));
}

/// y = f(w), with w [3] of 4 bits.
std::string model_of_four_bits(const std::string& op, int32_t type, const Fill& content) {
    return model([&](pbf_writer& g) {
        g.add_message(field::graph::initializer, made([&](pbf_writer& t) {
                          t.add_string(field::tensor::name, "w");
                          t.add_int64(field::tensor::dims, 3);
                          t.add_int32(field::tensor::data_type, type);
                          content(t);
                      }));
        add_node(g, op, "w", "y", [](pbf_writer& n) { n.add_string(field::node::input, "x"); });
    });
}

TEST(FourBits, TwoElementsAByteBecomeOneEach) {
    const auto raw = [](pbf_writer& t) { t.add_bytes(field::tensor::raw_data, std::string("\xe7\x08", 2)); };
    const auto graph = parse_text(model_of_four_bits("DequantizeLinear", 22, raw));
    const std::vector<int8_t> codes{7, -2, -8};
    EXPECT_EQ(graph.value(*graph.find_value("w")).constant.value(), Tensor::of<int8_t>({3}, std::span(codes)));
    const std::vector<int32_t> pairs{0xe7, 0x08};
    const auto unsigned_graph = parse_text(model_of_four_bits("DequantizeLinear", 21, [&](pbf_writer& t) {
        t.add_packed_int32(field::tensor::int32_data, pairs.begin(), pairs.end());
    }));
    const std::vector<uint8_t> unsigned_codes{7, 14, 8};
    EXPECT_EQ(unsigned_graph.value(*unsigned_graph.find_value("w")).constant.value(),
              Tensor::of<uint8_t>({3}, std::span(unsigned_codes)));
    EXPECT_THAT(message(model_of_four_bits(
                    "DequantizeLinear", 22,
                    [](pbf_writer& t) { t.add_bytes(field::tensor::raw_data, std::string("\xe7", 1)); })),
                HasSubstr("tensor `w`: it has 1 bytes, its shape [3] needs 2"));
}

TEST(FourBits, StayWhatTheyAreWhereAnotherNodeReadsThem) {
    const auto raw = [](pbf_writer& t) { t.add_bytes(field::tensor::raw_data, std::string("\xe7\x08", 2)); };
    const auto graph = parse_text(model_of_four_bits("QuantizeLinear", 22, raw));
    const Tensor& w = graph.value(*graph.find_value("w")).constant.value();
    EXPECT_EQ(w.type(), DataType::int4);
    EXPECT_THAT(to_int64s(w), testing::ElementsAre(7, -2, -8));
    EXPECT_EQ(write(parse_text(write(graph))), write(graph));
}

/// y = DequantizeLinear(x, 1, w), where x is an input: it and the zero point w are of one type.
TEST(FourBits, AZeroPointKeepsTheTypeOfWhatIsNoConstant) {
    const auto graph = parse_text(model([](pbf_writer& g) {
        g.add_message(field::graph::initializer, made([&](pbf_writer& t) {
                          t.add_string(field::tensor::name, "w");
                          t.add_int32(field::tensor::data_type, 21);
                          t.add_bytes(field::tensor::raw_data, std::string("\x05"));
                      }));
        add_node(g, "DequantizeLinear", "x", "y", [](pbf_writer& n) {
            n.add_string(field::node::input, "x");
            n.add_string(field::node::input, "w");
        });
    }));
    EXPECT_EQ(graph.value(*graph.find_value("w")).type, DataType::uint4);
}

/// y = f(w, x), with strings w [2].
std::string model_of_strings(const Fill& content) {
    return model([&](pbf_writer& g) {
        g.add_message(field::graph::initializer, made([&](pbf_writer& t) {
                          t.add_string(field::tensor::name, "w");
                          t.add_int64(field::tensor::dims, 2);
                          t.add_int32(field::tensor::data_type, 8);
                          content(t);
                      }));
        add_node(g, "StringConcat", "w", "y", [](pbf_writer& n) { n.add_string(field::node::input, "x"); });
    });
}

TEST(Strings, AreReadAndWrittenWithTheirNuls) {
    const std::string nul("a\0b", 3);
    const auto graph = parse_text(model_of_strings([&](pbf_writer& t) {
        t.add_bytes(field::tensor::string_data, nul);
        t.add_bytes(field::tensor::string_data, std::string());
    }));
    EXPECT_EQ(graph.value(*graph.find_value("w")).constant.value(), Tensor({2}, {nul, ""}));
    EXPECT_EQ(write(parse_text(write(graph))), write(graph));
}

TEST(Strings, AreRefusedWhereTheyAreNone) {
    EXPECT_THAT(message(model_of_strings([](pbf_writer& t) { t.add_bytes(field::tensor::string_data, "a"); })),
                HasSubstr("tensor `w`: it has 1 values, its shape [2] needs 2"));
    EXPECT_THAT(message(model_of_strings([](pbf_writer& t) {
                    t.add_bytes(field::tensor::string_data, "a");
                    t.add_bytes(field::tensor::string_data, "\xc3");
                })),
                HasSubstr("no UTF-8"));
    EXPECT_THAT(message(model_of_strings([](pbf_writer& t) { t.add_bytes(field::tensor::raw_data, "ab"); })),
                HasSubstr("tensor `w`: its strings stand in the field for numbers, or in another file"));
    EXPECT_THAT(message(model_of_strings([](pbf_writer& t) {
                    t.add_int64(field::tensor::int64_data, 1);
                    t.add_int64(field::tensor::int64_data, 2);
                })),
                HasSubstr("tensor `w`: its strings stand in another type's field"));
}

struct ExternalData : testing::Test {
    std::filesystem::path folder =
        std::filesystem::temp_directory_path() / ("calotype_external_data_test_" + std::to_string(::getpid()));
    void SetUp() override {
        std::filesystem::create_directories(folder / "in");
        const std::vector<float> x = {9, 1, 2, 3, 4};
        for (const auto& path : {folder / "in" / "w.bin", folder / "outside.bin"}) {
            std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(x.data()), 20);
        }
        std::error_code ignored;
        std::filesystem::create_symlink("../outside.bin", folder / "in" / "link.bin", ignored);
        std::filesystem::create_symlink("/dev/zero", folder / "in" / "device.bin", ignored);
        std::filesystem::create_symlink("round.bin", folder / "in" / "round.bin", ignored);
        std::filesystem::create_symlink("w.bin", folder / "in" / "same.bin", ignored);
        std::filesystem::create_hard_link(folder / "outside.bin", folder / "in" / "hard.bin", ignored);
        ::mkfifo((folder / "in" / "pipe.bin").c_str(), 0600);
    }
    void TearDown() override { std::filesystem::remove_all(folder); }
    static std::string at(const std::string& location, const std::string& offset = "4") {
        return model_with_weights([&](pbf_writer& t) {
            four_floats(t);
            t.add_enum(field::tensor::data_location, 1);
            for (const auto& [key, value] :
                 std::vector<std::pair<std::string, std::string>>{{"location", location}, {"offset", offset}}) {
                t.add_message(field::tensor::external_data, made([&](pbf_writer& e) {
                                  e.add_string(field::entry::key, key);
                                  e.add_string(field::entry::value, value);
                              }));
            }
        });
    }
};

TEST_F(ExternalData, IsReadFromTheOffset) {
    const auto graph = parse_text(at("w.bin"), folder / "in");
    const std::vector<float> x = {1, 2, 3, 4};
    EXPECT_EQ(graph.value(*graph.find_value("w")).constant.value(), Tensor::of<float>({4}, std::span(x)));
}

TEST_F(ExternalData, MayNotLeaveTheFolder) {
    for (const std::string& location :
         {std::string("../outside.bin"), std::string("/etc/passwd"), std::string("link.bin"), std::string("device.bin"),
          std::string("sub/../../outside.bin"), std::string("hard.bin"), std::string("w.bin\0.txt", 10),
          std::string()}) {
        EXPECT_THAT(message(at(location), folder / "in"), HasSubstr("ONNX_TENSOR: `m.onnx`: tensor `w`: its external "
                                                                    "data `"))
            << location;
        EXPECT_THAT(message(at(location), folder / "in"), HasSubstr("` lies outside the model's folder")) << location;
    }
    EXPECT_EQ(message(at("same.bin"), folder / "in"), "no error");  // a link, but inside
}

TEST_F(ExternalData, IsAFile) {
    EXPECT_THAT(message(at("pipe.bin"), folder / "in"), HasSubstr("its external data `pipe.bin` is no file"));
    EXPECT_THAT(message(at("."), folder / "in"), HasSubstr("its external data `.` is no file"));
    EXPECT_THAT(message(at("round.bin"), folder / "in"), HasSubstr("its external data `round.bin` is not there"));
}

TEST_F(ExternalData, IsBoundedTogether) {
    Limits limits;
    limits.memory_bytes = 15;
    EXPECT_THAT(message(at("w.bin"), folder / "in", limits),
                HasSubstr("LIMIT_MEMORY: `m.onnx`: tensor `w`: its external data have 16 bytes, those of the tensors "
                          "before 0, at most 15 are read"));
    limits.memory_bytes = 16;
    EXPECT_EQ(message(at("w.bin"), folder / "in", limits), "no error");
}

TEST_F(ExternalData, EndsWithinItsFile) {
    EXPECT_THAT(message(at("w.bin", "8"), folder / "in"),
                HasSubstr("its external data begins at byte 8 of `w.bin` and has 16, the file has 20"));
    EXPECT_THAT(message(at("w.bin", "9223372036854775807"), folder / "in"), HasSubstr("tensor `w`"));
    for (const char* offset : {"-4", "18446744073709551612", "4x", ""})
        EXPECT_THAT(message(at("w.bin", offset), folder / "in"), HasSubstr("a whole number from 0 is needed"));
    EXPECT_THAT(message(at("none.bin"), folder / "in"), HasSubstr("its external data `none.bin` is not there"));
    EXPECT_THAT(message(at("."), folder / "in"), HasSubstr("tensor `w`"));
}

std::string model_with_subgraph(const std::string& body, int64_t opset = 17) {
    return model(
        [&](pbf_writer& g) {
            add_node(g, "If", "x", "y", [&](pbf_writer& n) {
                n.add_message(field::node::attribute, made([&](pbf_writer& a) {
                                  a.add_string(field::attribute::name, "then_branch");
                                  a.add_message(field::attribute::g, body);
                              }));
            });
        },
        opset);
}

TEST(Subgraph, ItsOuterValuesAreUses) {
    const auto graph = parse_text(model_with_subgraph(made([](pbf_writer& g) {
        add_node(g, "Relu", "x", "inner");
        add_node(g, "Neg", "inner", "z");
    })));
    EXPECT_EQ(graph.uses(*graph.find_value("x")), 2);  // the If's condition, and the Relu inside
}

TEST(Subgraph, ReadsOnlyWhatIsThere) {
    EXPECT_THAT(message(model_with_subgraph(made([](pbf_writer& g) { add_node(g, "Relu", "nobody", "z"); }))),
                HasSubstr("node `If_of_x` (If): its subgraph `then_branch` reads `nobody`, which nothing makes"));
}

TEST(Subgraph, OfAnOldOpsetIsRefusedWhereItCannotBeWrittenAgain) {
    const auto body = [](bool typed) {
        return made([&](pbf_writer& g) {
            add_node(g, "Squeeze", "x", "z");
            g.add_message(field::graph::output, typed ? value_info("z") : made([](pbf_writer& w) {
                              w.add_string(field::value_info::name, "z");
                          }));
        });
    };
    EXPECT_THAT(message(model_with_subgraph(body(false), 11)),
                HasSubstr("holds Squeeze of opset 11, which is another operator since 13"));
    EXPECT_EQ(message(model_with_subgraph(body(false), 13)), "no error");
    EXPECT_EQ(message(model_with_subgraph(body(true), 11)), "no error");
}

TEST(Subgraph, CannotExhaustTheStack) {
    std::string body = made([](pbf_writer& g) { add_node(g, "Relu", "x", "z"); });
    for (int depth = 0; depth < 2000; ++depth) {
        body = made([&](pbf_writer& g) {
            add_node(g, "If", "x", "z", [&](pbf_writer& n) {
                n.add_message(field::node::attribute,
                              made([&](pbf_writer& a) { a.add_message(field::attribute::g, body); }));
            });
        });
    }
    EXPECT_THAT(message(model_with_subgraph(body)), HasSubstr("it lies more than 32 graphs deep"));
}

TEST(Opset, TooOldIsRefused) {
    EXPECT_THAT(message(model([](pbf_writer& g) { add_node(g, "Relu", "x", "y"); }, 0)),
                HasSubstr("OPSET_UNSUPPORTED"));
    EXPECT_THAT(message(model([](pbf_writer& g) { add_node(g, "Relu", "x", "y"); }, -1)),
                HasSubstr("OPSET_UNSUPPORTED"));
}

/// Whatever the bytes, the answer is an Error or a sound graph.
void must_not_break(const std::string& bytes, const std::string& what) {
    try {
        const auto graph = parse_text(bytes, "/nonexistent");
        graph.validate();
        write(graph);
        to_text(graph);
    } catch (const Error&) {
    } catch (const std::exception& error) {
        ADD_FAILURE() << what << ": " << error.what();
    }
}

TEST(Mutation, NeverCrashes) {
    const std::string inner = made([](pbf_writer& g) { add_node(g, "Squeeze", "x", "z"); });
    const std::vector<std::string> seeds = {model_with_subgraph(inner, 13), ExternalData::at("w.bin"),
                                            model_with_weights([](pbf_writer& t) {
                                                four_floats(t);
                                                for (int i = 0; i < 4; ++i) t.add_float(field::tensor::float_data, 1);
                                            })};
    std::mt19937 random(3);
    for (size_t s = 0; s < seeds.size(); ++s) {
        for (size_t end = 0; end < seeds[s].size(); ++end) {
            must_not_break(seeds[s].substr(0, end), "seed " + std::to_string(s) + " cut at " + std::to_string(end));
        }
        for (int round = 0; round < 20000; ++round) {
            std::string bytes = seeds[s];
            const auto flips = 1 + random() % 3;
            for (uint32_t i = 0; i < flips; ++i)
                bytes[random() % bytes.size()] ^= static_cast<char>(1U << (random() % 8));
            must_not_break(bytes, "seed " + std::to_string(s) + " round " + std::to_string(round));
        }
    }
}

}  // namespace
}  // namespace calotype::onnx
