// The module calotype._core: names, defaults, conversions and what help() tells. The stub is made from it.
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <tuple>

#include "arrays.hpp"
#include "base/limits.hpp"
#include "calotype/compile.hpp"
#include "calotype/error.hpp"
#include "calotype/runner.hpp"
#include "calotype/snapshot.hpp"
#include "docs.hpp"
#include "hook.hpp"
#include "samples.hpp"
#include "words.hpp"

namespace calotype::python {
namespace {

namespace fs = std::filesystem;
using Shapes = std::vector<std::pair<std::string, Dims>>;
using LimitsByName = std::map<std::string, int64_t>;
using Ports = std::vector<std::tuple<std::string, std::string, Dims>>;

PyObject* error_type = nullptr;

void throw_into_python(const std::exception_ptr& pointer, void*) {
    try {
        std::rethrow_exception(pointer);
    } catch (const Error& error) {
        nb::object exception = nb::handle(error_type)(in_python_words(error.what()));
        exception.attr("code") = error.text().code;
        PyErr_SetObject(error_type, exception.ptr());
    }
}

/// Notes become Python warnings; called while Python's lock is free.
void warn(std::string_view text) {
    const nb::gil_scoped_acquire lock;
    if (PyErr_WarnEx(PyExc_UserWarning, in_python_words(text).c_str(), 1) != 0) throw nb::python_error();
}

/// Where notes go: to the caller's function, which native threads may hold and let go, or to warnings.
std::function<void(std::string_view)> notes_to(const nb::object& message) {
    if (message.is_none()) return warn;
    const std::shared_ptr<nb::object> held(new nb::object(message), [](const nb::object* each) {
        const nb::gil_scoped_acquire lock;
        delete each;
    });
    return [held](std::string_view text) {
        const nb::gil_scoped_acquire lock;
        (*held)(in_python_words(text));
    };
}

nb::dict dict_of(const std::string& json) {
    return nb::cast<nb::dict>(nb::module_::import_("json").attr("loads")(json));
}

Ports ports_of(const std::vector<PortInfo>& ports) {
    Ports out;
    for (const PortInfo& port : ports) out.emplace_back(port.name, spelled(port.kind, name_of(port.type)), port.dims);
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

RunnerOptions runner_options(int threads, const LimitsByName& limits) {
    RunnerOptions options;
    options.limits = run_limits_of(limits);
    options.threads = threads;
    options.ort_library = installed_ort();
    options.message = warn;
    return options;
}

struct Snapshot {
    fs::path path;
    std::string report;
};

/// Ctrl-C is noticed here, too: an exception ends the compilation, which leaves its output as it was.
void show(const nb::object& progress, const CompileProgress& now) {
    const nb::gil_scoped_acquire hold;
    if (PyErr_CheckSignals() != 0) throw nb::python_error();
    progress(nb::str(now.stage.data(), now.stage.size()), now.done, nb::str(now.detail.data(), now.detail.size()));
}

Snapshot compile_model(const fs::path& model, nb::handle samples, const fs::path& output, const std::string& mode,
                       int64_t images, bool deep, const std::string& precision, const std::string& npu,
                       const Shapes& shapes, int threads, const std::vector<std::string>& without,
                       const LimitsByName& limits, nb::object progress, const nb::object& message) {
    if (output.empty()) throw Error({"OPTION_MISSING", "`output`", "it is not given", "name the snapshot's directory"});
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
    options.limits = limits_of(limits);
    if (!progress.is_none()) options.progress = [&](const CompileProgress& now) { show(progress, now); };
    options.message = notes_to(message);
    const std::unique_ptr<Samples> source = samples_of(samples, model, options.limits, npu);
    const nb::gil_scoped_release free;
    CompileResult result = compile(options, *source);
    return {std::move(result.snapshot), std::move(result.report_json)};
}

nb::dict explain_model(const fs::path& model, const std::string& npu, const Shapes& shapes,
                       const LimitsByName& limits) {
    ExplainOptions options;
    options.model = model;
    options.npu = npu;
    options.shapes = shapes;
    options.limits = limits_of(limits);
    options.ort_library = installed_ort();
    std::string json;
    {
        const nb::gil_scoped_release free;
        json = explain(options).json;
    }
    return dict_of(json);
}

nb::dict inspect_snapshot(const fs::path& snapshot) {
    std::string json;
    {
        const nb::gil_scoped_release free;
        json = inspect(snapshot);
    }
    return dict_of(json);
}

std::vector<std::tuple<std::string, bool, std::string>> verify_snapshot(const fs::path& snapshot, int threads,
                                                                        const LimitsByName& limits) {
    const RunnerOptions options = runner_options(threads, limits);
    const nb::gil_scoped_release free;
    std::vector<std::tuple<std::string, bool, std::string>> out;
    for (const Check& check : verify(snapshot, options)) out.emplace_back(check.name, check.passed, check.detail);
    return out;
}

nb::dict run(Runner& runner, const nb::dict& inputs) {
    std::vector<Array> kept;  // the arrays outlive the run
    std::map<std::string, TensorView> views;
    for (const auto& [key, value] : inputs) {
        const auto name = nb::cast<std::string>(nb::str(key));
        const auto port = std::ranges::find(runner.inputs(), name, &PortInfo::name);
        const bool known = port != runner.inputs().end();
        for (auto& [held, array] :
             arrays_of(value, name, known ? port->type : DataType::float32, known ? port->kind : Kind::tensor)) {
            views[held] = array.view;
            kept.push_back(std::move(array));
        }
    }
    std::map<std::string, Tensor> outputs;
    {
        const nb::gil_scoped_release free;
        outputs = runner.run(views);
    }
    nb::dict out;
    for (const PortInfo& port : runner.outputs()) out[port.name.c_str()] = value_of(outputs, port.name, port.kind);
    return out;
}

void make_runner(Runner* self, const fs::path& snapshot, int threads, const std::string& kernels,
                 const std::string& npu, const LimitsByName& limits, const nb::object& message) {
    RunnerOptions options = runner_options(threads, limits);
    options.message = notes_to(message);
    options.kernels = kernels;
    options.npu = npu;
    const nb::gil_scoped_release free;
    new (self) Runner(snapshot, options);
}

}  // namespace

NB_MODULE(_core, m) {
    using namespace nb::literals;
    m.attr("__version__") = CALOTYPE_VERSION;
    nb::exception<Error> error(m, "Error");
    error_type = error.ptr();
    error.attr("__doc__") = kErrorDoc;
    nb::register_exception_translator(throw_into_python);

    nb::class_<Snapshot>(m, "Snapshot", kSnapshotDoc)
        .def_prop_ro(
            "path", [](const Snapshot& s) { return s.path.string(); }, "The directory.")
        .def_prop_ro(
            "report", [](const Snapshot& s) { return dict_of(s.report); }, nb::sig(kReportSig), kReportDoc)
        .def("__fspath__", [](const Snapshot& s) { return s.path.string(); });

    m.def("compile", &compile_model, "model"_a, "samples"_a = nb::none(), "output"_a = "", nb::kw_only(),
          "mode"_a = "fast", "images"_a = 4, "deep"_a = false, "precision"_a = "INT8",
          "npu"_a = std::string(kDefaultNpu), "shapes"_a = Shapes{}, "threads"_a = 0,
          "without"_a = std::vector<std::string>{}, "limits"_a = LimitsByName{}, "progress"_a = nb::none(),
          "message"_a = nb::none(), nb::sig(kCompileSig), kCompileDoc);
    m.def("explain", &explain_model, "model"_a, nb::kw_only(), "npu"_a = std::string(kDefaultNpu),
          "shapes"_a = Shapes{}, "limits"_a = LimitsByName{}, nb::sig(kExplainSig), kExplainDoc);
    m.def("inspect", &inspect_snapshot, "snapshot"_a, nb::sig(kInspectSig), kInspectDoc);
    m.def("verify", &verify_snapshot, "snapshot"_a, nb::kw_only(), "threads"_a = 0, "limits"_a = LimitsByName{},
          nb::sig(kVerifySig), kVerifyDoc);
    add_hook_parts(m);

    nb::class_<Runner>(m, "Runner", kRunnerDoc)
        .def("__init__", &make_runner, "snapshot"_a, nb::kw_only(), "threads"_a = 0, "kernels"_a = "auto", "npu"_a = "",
             "limits"_a = LimitsByName{}, "message"_a = nb::none(), nb::sig(kRunnerSig), kRunnerInitDoc)
        .def_prop_ro(
            "inputs", [](const Runner& runner) { return ports_of(runner.inputs()); }, kInputsDoc)
        .def_prop_ro(
            "outputs", [](const Runner& runner) { return ports_of(runner.outputs()); }, kOutputsDoc)
        .def_prop_ro(
            "broken_values",
            [](const Runner& runner) {
                // The count waits for a run that may be waiting for Python's lock, to warn.
                const nb::gil_scoped_release free;
                return runner.broken_inputs().values;
            },
            kBrokenDoc)
        .def("run", &run, "inputs"_a, nb::sig(kRunSig), kRunDoc);
}

}  // namespace calotype::python
