// The module calotype._core: names, defaults and conversions only.
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <optional>
#include <tuple>

#include "arrays.hpp"
#include "calotype/compile.hpp"
#include "calotype/error.hpp"
#include "calotype/runner.hpp"
#include "calotype/snapshot.hpp"
#include "hook.hpp"
#include "samples.hpp"

namespace calotype::python {
namespace {

namespace fs = std::filesystem;
using Shapes = std::vector<std::pair<std::string, Dims>>;
using Ports = std::vector<std::tuple<std::string, std::string, Dims>>;

PyObject* error_type = nullptr;

void throw_into_python(const std::exception_ptr& pointer, void*) {
    try {
        std::rethrow_exception(pointer);
    } catch (const Error& error) {
        nb::object exception = nb::handle(error_type)(error.what());
        exception.attr("code") = error.text().code;
        PyErr_SetObject(error_type, exception.ptr());
    }
}

Ports ports_of(const std::vector<PortInfo>& ports) {
    Ports out;
    for (const PortInfo& port : ports) out.emplace_back(port.name, std::string(name_of(port.type)), port.dims);
    return out;
}

/// The library inside the installed `onnxruntime` package, which need not be imported for it; empty: let calotype look.
std::optional<fs::path> installed_ort() {
    const nb::object spec = nb::module_::import_("importlib.util").attr("find_spec")("onnxruntime");
    if (spec.is_none() || spec.attr("origin").is_none()) return {};
    const fs::path package = fs::path(nb::cast<std::string>(spec.attr("origin"))).parent_path();
    std::error_code ignored;
    for (const auto& file : fs::directory_iterator(package / "capi", ignored)) {
        if (file.path().filename().string().starts_with("libonnxruntime.so.")) return file.path();
    }
    return {};
}

struct Snapshot {
    fs::path path;
    std::string report;
};

/// Ctrl-C is noticed here, too: an exception ends the compilation, which leaves its output as it was.
void show(const nb::object& progress, std::string_view stage, double done) {
    const nb::gil_scoped_acquire hold;
    if (PyErr_CheckSignals() != 0) throw nb::python_error();
    progress(nb::str(stage.data(), stage.size()), done);
}

Snapshot compile_model(const fs::path& model, nb::handle samples, const fs::path& output, const std::string& mode,
                       int64_t images, bool deep, const std::string& precision, const std::string& npu,
                       const Shapes& shapes, int threads, const std::vector<std::string>& without,
                       nb::object progress) {
    CompileOptions options;
    options.model = model;
    options.output = output;
    options.mode = mode;
    options.images = images;
    options.deep = deep;
    options.precision = precision;
    options.npu = npu;
    options.shapes = shapes;
    options.threads = threads;
    options.without = without;
    options.ort_library = installed_ort();
    if (!progress.is_none())
        options.progress = [&](std::string_view stage, double done) { show(progress, stage, done); };
    const std::unique_ptr<Samples> source = samples_of(samples, model);
    const nb::gil_scoped_release free;
    CompileResult result = compile(options, *source);
    return {std::move(result.snapshot), std::move(result.report_json)};
}

nb::dict run(Runner& runner, const nb::dict& inputs) {
    std::vector<Array> kept;  // the arrays outlive the run
    std::map<std::string, TensorView> views;
    for (const auto& [key, value] : inputs) {
        const auto name = nb::cast<std::string>(nb::str(key));
        kept.push_back(array_of(value, name));
        views[name] = kept.back().view;
    }
    std::map<std::string, Tensor> outputs;
    {
        const nb::gil_scoped_release free;
        outputs = runner.run(views);
    }
    nb::dict out;
    for (auto& [name, tensor] : outputs) out[name.c_str()] = numpy_of(std::move(tensor));
    return out;
}

std::vector<std::tuple<std::string, bool, std::string>> verify_snapshot(const fs::path& snapshot, int threads) {
    RunnerOptions options;
    options.threads = threads;
    options.ort_library = installed_ort();
    const nb::gil_scoped_release free;
    std::vector<std::tuple<std::string, bool, std::string>> out;
    for (const Check& check : verify(snapshot, options)) out.emplace_back(check.name, check.passed, check.detail);
    return out;
}

}  // namespace

NB_MODULE(_core, m) {
    using namespace nb::literals;
    m.attr("__version__") = CALOTYPE_VERSION;
    nb::exception<Error> error(m, "Error");
    error_type = error.ptr();
    nb::register_exception_translator(throw_into_python);

    nb::class_<Snapshot>(m, "Snapshot")
        .def_prop_ro("path", [](const Snapshot& s) { return s.path.string(); })
        .def_ro("report", &Snapshot::report)
        .def("__fspath__", [](const Snapshot& s) { return s.path.string(); });

    m.def("compile", &compile_model, "model"_a, "samples"_a, "output"_a, nb::kw_only(), "mode"_a = "fast",
          "images"_a = 4, "deep"_a = false, "precision"_a = "INT8", "npu"_a = std::string(kDefaultNpu),
          "shapes"_a = Shapes{}, "threads"_a = 0, "without"_a = std::vector<std::string>{}, "progress"_a = nb::none());
    m.def(
        "explain",
        [](const fs::path& model, const std::string& npu, const Shapes& shapes) {
            ExplainOptions options;
            options.model = model;
            options.npu = npu;
            options.shapes = shapes;
            options.ort_library = installed_ort();
            const nb::gil_scoped_release free;
            return explain(options).json;
        },
        "model"_a, nb::kw_only(), "npu"_a = std::string(kDefaultNpu), "shapes"_a = Shapes{});
    m.def("inspect", &inspect, "snapshot"_a, nb::call_guard<nb::gil_scoped_release>());
    add_hook_parts(m);
    m.def("verify", &verify_snapshot, "snapshot"_a, nb::kw_only(), "threads"_a = 0);

    nb::class_<Runner>(m, "Runner")
        .def(
            "__init__",
            [](Runner* self, const fs::path& snapshot, int threads, const std::string& kernels,
               const std::string& npu) {
                RunnerOptions options;
                options.threads = threads;
                options.kernels = kernels;
                options.npu = npu;
                options.ort_library = installed_ort();
                const nb::gil_scoped_release free;
                new (self) Runner(snapshot, options);
            },
            "snapshot"_a, nb::kw_only(), "threads"_a = 0, "kernels"_a = "auto", "npu"_a = "")
        .def_prop_ro("inputs", [](const Runner& runner) { return ports_of(runner.inputs()); })
        .def_prop_ro("outputs", [](const Runner& runner) { return ports_of(runner.outputs()); })
        .def("run", &run, "inputs"_a);
}

}  // namespace calotype::python
