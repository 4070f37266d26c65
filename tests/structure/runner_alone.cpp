// Links against calotype_runtime alone: what a device carries must not need the compiler.
#include <cstdio>
#include <string>

#include "calotype/error.hpp"
#include "calotype/runner.hpp"

int main() {
    try {
        calotype::Runner runner("/nonexistent/snapshot");
    } catch (const calotype::Error& error) {
        std::puts(error.what());
        return error.text().subject.find("/nonexistent/snapshot") != std::string::npos ? 0 : 1;
    }
    return 1;
}
