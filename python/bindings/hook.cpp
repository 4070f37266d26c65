#include "hook.hpp"

#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <span>

#include "base/hash.hpp"
#include "contents.hpp"
#include "npu/config.hpp"
#include "onnx/read.hpp"
#include "onnx/write.hpp"
#include "readings.hpp"
#include "snapshot/snapshot.hpp"
#include "termination.hpp"

namespace calotype::python {

namespace nb = nanobind;
namespace fs = std::filesystem;

namespace {

/// A forked child has none of its parent's threads: destroying what waits for them, at its exit, would hang it. Of ONNX
/// Runtime that is an exit handler of its library, so that the child leaves before those; Python has ended by then.
void survive_fork(const nb::list& runners) {
    for (const nb::handle runner : runners) runner.inc_ref();  // for good
    nb::set_leak_warnings(false);
    ::on_exit(
        [](int status, void*) {
            std::fflush(nullptr);
            ::_exit(status);
        },
        nullptr);
}

}  // namespace

void add_hook_parts(nb::module_& m) {
    using namespace nb::literals;
    m.def(
        "npu_identity",
        [](const std::string& name_or_file) {
            const npu::Config config = npu::find_config(name_or_file);
            return std::pair(config.name, config.fingerprint);
        },
        "name"_a, "Name and fingerprint of a configuration, given by name or file.");
    m.def(
        "model_sha256",
        [](const fs::path& model) {
            const nb::gil_scoped_release free;
            return sha256(onnx::write(onnx::read(model)));
        },
        "model"_a, "Of an ONNX model's content, external data included.");
    m.def(
        "model_sha256_of",
        [](const nb::bytes& model) {
            const auto* begin = static_cast<const std::byte*>(model.data());
            const std::span<const std::byte> bytes(begin, model.size());
            const nb::gil_scoped_release free;
            return sha256(onnx::write(onnx::parse(bytes, "the model", fs::current_path())));
        },
        "model"_a, "As model_sha256, of a file's bytes.");
    m.def("survive_fork", &survive_fork, "runners"_a, "Called in a forked child, with the runners of its parent.");
    m.def("before_termination", &before_termination, "report"_a.none(),
          "Called when SIGTERM or SIGHUP end this process; None: no more.");
    nb::class_<Contents>(m, "Contents", "What stood in containers and variables of Python's.")
        .def(nb::init<const nb::list&, const nb::list&, const nb::list&, const nb::set&>(), "containers"_a,
             "variables"_a, "named"_a = nb::list(), "names"_a = nb::set())
        .def("changed", &Contents::changed, "Whether something else stands there now.");
    nb::class_<Readings>(m, "Readings", "What an attribute in C said of each object.")
        .def(nb::init<const nb::list&, const nb::object&>(), "objects"_a, "attribute"_a)
        .def("changed", &Readings::changed, "Whether it says something else of one of them now.");
    m.def("check_target", &snapshot::check_target, "path"_a,
          "Raises Error OUTPUT_TAKEN where something stands that is neither a snapshot nor an empty folder.");
    m.def("copy_snapshot", &snapshot::copy, "snapshot"_a, "target"_a, nb::call_guard<nb::gil_scoped_release>(),
          "A second one at `target`, in one step. Raises Error OUTPUT_TAKEN as `check_target`.");
}

}  // namespace calotype::python
