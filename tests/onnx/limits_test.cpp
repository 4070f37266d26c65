// What a file may ask for at most, and the option that raises it.

#include "onnx/model_bytes.hpp"

namespace calotype::onnx {
namespace {

using testing::HasSubstr;

std::string message_within(const std::string& bytes, const Limits& limits) {
    try {
        parse(std::as_bytes(std::span(bytes)), "m.onnx", ".", limits);
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

/// A FunctionProto of the domain `local` whose nodes call `called` one after the other.
std::string function(const std::string& name, const std::vector<std::string>& called) {
    return made([&](pbf_writer& f) {
        f.add_string(field::function::name, name);
        f.add_string(field::function::domain, "local");
        f.add_string(field::function::input, "0");
        f.add_string(field::function::output, std::to_string(called.size()));
        int number = 0;
        for (const std::string& one : called) {
            f.add_message(field::function::node, made([&](pbf_writer& n) {
                              n.add_string(field::node::input, std::to_string(number));
                              n.add_string(field::node::output, std::to_string(++number));
                              n.add_string(field::node::op_type, one);
                              if (one != "Relu") n.add_string(field::node::domain, "local");
                          }));
        }
    });
}

/// A model whose one node calls `f0`.
std::string model_with(const std::vector<std::string>& functions) {
    std::string bytes = model([](pbf_writer& g) {
        add_node(g, "f0", "x", "y", [](pbf_writer& n) { n.add_string(field::node::domain, "local"); });
    });
    pbf_writer writer(bytes);
    for (const std::string& one : functions) writer.add_message(field::model::functions, one);
    return bytes;
}

TEST(Limits, NamesOfFunctionsWrittenOut) {
    std::string bytes = model([](pbf_writer& g) {
        add_node(g, "f0", "x", "y", [](pbf_writer& n) {
            n.add_string(field::node::domain, "local");
            n.add_string(field::node::name, std::string(1000, 'n'));  // stands in the names of all 100 nodes
        });
    });
    pbf_writer writer(bytes);
    writer.add_message(field::model::functions, function("f0", std::vector<std::string>(10, "f1")));
    writer.add_message(field::model::functions, function("f1", std::vector<std::string>(10, "Relu")));
    EXPECT_EQ(message_within(bytes, {.folded_bytes = 1'000'000}), "no error");
    EXPECT_THAT(message_within(bytes, {.folded_bytes = 100'000}),
                AllOf(HasSubstr("the names and constants of the functions have 10"), HasSubstr("--max-folded")));
}

TEST(Limits, FunctionsWrittenOut) {
    const std::string sixteen =
        model_with({function("f0", {"f1", "f1", "f1", "f1"}), function("f1", {"Relu", "Relu", "Relu", "Relu"})});
    EXPECT_EQ(message_within(sixteen, {.function_nodes = 16}), "no error");
    EXPECT_THAT(
        message_within(sixteen, {.function_nodes = 15}),
        HasSubstr("LIMIT_ONNX: `m.onnx`: the graph: it has 16 nodes once its functions are written out, at most 15 "
                  "are read\n  try: if it is meant so, raise the limit with --max-nodes"));
}

TEST(Limits, FunctionsThatDoubleEachOther) {
    std::vector<std::string> functions;
    for (int i = 0; i < 30; ++i)
        functions.push_back(
            function("f" + std::to_string(i), std::vector<std::string>(9, "f" + std::to_string(i + 1))));
    functions.push_back(function("f30", {"Relu"}));
    EXPECT_THAT(message(model_with(functions)), HasSubstr("it has more than 9223372036854775807 nodes once"));
}

TEST(Limits, FunctionsThatNeverEnd) {
    EXPECT_THAT(message(model_with({function("f0", {"f0"})})),
                HasSubstr("ONNX_INVALID: `m.onnx`: function `local::f0`: it calls itself"));
    EXPECT_THAT(message(model_with({function("f0", {"f1"}), function("f1", {"Relu", "f0"})})),
                HasSubstr("it calls itself"));
    EXPECT_THAT(message(model_with({function("f0", {"Relu"}), function("f9", {"f9"})})),
                HasSubstr("`local::f9`: it calls"));
    EXPECT_THAT(message(model_with({function("f0", {"Relu"}), function("f0", {"Relu"})})),
                HasSubstr("it is given twice"));
}

TEST(Limits, FunctionsInsideOneAnother) {
    for (const bool forward : {true, false}) {  // whichever of them the reader meets first
        std::vector<std::string> functions;
        for (int i = 0; i < 40; ++i) {
            const int number = forward ? i : 39 - i;
            functions.push_back(
                function("f" + std::to_string(number), {number == 39 ? "Relu" : "f" + std::to_string(number + 1)}));
        }
        EXPECT_THAT(message(model_with(functions)),
                    HasSubstr("it leads through more than 32 functions inside one another"));
        EXPECT_EQ(message_within(model_with(functions), {.nesting = 40}), "no error");
    }
}

/// A Loop without a first condition; its body hands `condition` on.
std::string loop(int64_t trips, const std::string& condition) {
    const std::string body = made([&](pbf_writer& g) {
        add_node(g, "Not", "c", "n");
        add_node(g, "Identity", condition, "d");
        for (const char* input : {"i", "c"}) g.add_message(field::graph::input, value_info(input));
        g.add_message(field::graph::output, value_info("d"));
    });
    return model([&](pbf_writer& g) {
        g.add_message(field::graph::initializer, made([&](pbf_writer& t) {
                          t.add_string(field::tensor::name, "trips");
                          t.add_int32(field::tensor::data_type, 7);
                          t.add_int64(field::tensor::int64_data, trips);
                      }));
        add_node(g, "Loop", trips < 0 ? "" : "trips", "y", [&](pbf_writer& n) {
            n.add_message(field::node::attribute, made([&](pbf_writer& a) {
                              a.add_string(field::attribute::name, "body");
                              a.add_message(field::attribute::g, body);
                          }));
        });
    });
}

TEST(Limits, LoopsThatNothingEnds) {
    EXPECT_EQ(message(loop(10'000, "c")), "no error");
    EXPECT_THAT(message(loop(10'001, "c")),
                HasSubstr("it makes 10001 trips, at most 10000 are allowed\n  try: if it is "
                          "meant so, raise the limit with --max-trips"));
    EXPECT_THAT(message(loop(-1, "c")), HasSubstr("it has no number of trips, and nothing ends it"));
    EXPECT_EQ(message(loop(INT64_MAX, "n")), "no error");  // a `while`: its condition is computed
    EXPECT_EQ(message_within(loop(10'001, "c"), {.loop_trips = 10'001}), "no error");
}

}  // namespace
}  // namespace calotype::onnx
