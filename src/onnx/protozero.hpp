#pragma once

// protozero asserts where a field's wire type is not the one asked for. In a damaged file it is not: an exception,
// caught with protozero's own, and the same in every build.

#include <stdexcept>

#define protozero_assert(condition) ((condition) ? void() : throw std::domain_error("a field has the wrong wire type"))

#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>
