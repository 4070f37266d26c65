#include "base/deadline.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace calotype {
namespace {

TEST(Deadline, NamesWhatTookTooLong) {
    Limits limits;
    limits.run_seconds = 0;
    const Deadline over(limits, "`model.onnx`", "reading it");
    try {
        over.check();
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.text().code, "LIMIT_TIME");
        EXPECT_EQ(error.text().subject, "`model.onnx`");
        EXPECT_EQ(error.text().fact, "reading it took longer than 0 s and was ended");
        EXPECT_EQ(error.text().hint, "if it is meant so, raise the limit with --max-seconds");
    }
}

TEST(Deadline, IsFarByDefault) {
    Deadline(Limits{}, "`model.onnx`", "reading it").check();
    Deadline().check();
}

}  // namespace
}  // namespace calotype
