#pragma once

// What help() and the stub say: signatures as Python's users read them, and their documentation.

namespace calotype::python {

inline constexpr const char* kErrorDoc =
    R"(What was given cannot be used: model, samples, an option, a snapshot or the disk.

The text is that of the command: code, subject, what was found, what is allowed, and what to do about it. The attribute
`code` is the code alone, stable and meant for programs: "SAMPLE_SHAPE".)";

inline constexpr const char* kSnapshotDoc = R"(A compiled network on disk; it is taken wherever a path is.)";

inline constexpr const char* kReportSig = "def report(self) -> dict[str, typing.Any]";
inline constexpr const char* kReportDoc =
    R"(What `report.json` in the snapshot holds.

"operators": where each runs and why; "layers": per NPU layer its source operators, scales, signal-to-noise ratio
against FP32 in decibels ("snr_db"), multiply-accumulates ("macs") and predicted cycles; "totals": predicted latency of
one sample on the device in microseconds ("latency_us"), memory in bytes; "warnings": what compiling had to say.)";

inline constexpr const char* kCompileSig =
    "def compile(model: str | os.PathLike[str], "
    "samples: collections.abc.Iterable[collections.abc.Mapping[str, numpy.typing.ArrayLike | None]] | str | "
    "os.PathLike[str] "
    "| None = None, "
    "output: str | os.PathLike[str] = '', *, mode: str = 'fast', images: int = 4, deep: bool = False, "
    "precision: str = 'INT8', npu: str = 'VE2802_NPU_IP_O00_A304_M3', "
    "shapes: collections.abc.Sequence[tuple[str, collections.abc.Sequence[int]]] = (), threads: int = 0, "
    "without: collections.abc.Sequence[str] = (), "
    "progress: collections.abc.Callable[[str, float, str], object] | None = None, "
    "message: collections.abc.Callable[[str], object] | None = None, "
    "limits: collections.abc.Mapping[str, int] = {}) -> Snapshot";
inline constexpr const char* kCompileDoc =
    R"(Compiles an ONNX model into a snapshot, which replaces `output` in one step.

Args:
    model: an ONNX file.
    samples: what the network will meet, with its own preprocessing; 5 to 20 are advised. A list (or another iterable)
        of dicts, one a sample: arrays by input name in the input's shape and type, the batch 1 (or the model's own),
        lists of arrays for sequences, None for an optional that holds nothing; other arrays, such as labels, are left
        out. Or the path of an .npz or
        .npy whose arrays hold the samples behind one another, [S, ...], or of a folder of those or of images. None for a
        quantized model, which states its scales itself.
    output: the snapshot's directory, to be given; only a snapshot or an empty directory is replaced.
    mode: "fast"; no other is built yet.
    images: how many of the samples are used.
    deep: fine-tuning of the weights; not built yet.
    precision: "INT8"; no other is built yet.
    npu: a configuration's name or file; "none" runs the optimized graph in FP32 on ONNX Runtime.
    shapes: more (input, shape) pairs to make programs for, beside the first sample's.
    threads: 0 for as many as there are processors; never changes a byte of the result.
    without: ingredients of quantization to leave out, such as "bias-correction".
    limits: of what the model may ask for, by the names of docs/hostile.md: {"memory": 8 << 30, "seconds": 60}.
    progress: called with the stage's name, how far it is (0 to 1) and its steps ("12 of 53 layers", or empty); what it
        raises ends the compilation.
    message: called with each note, which is a warning otherwise.

Returns:
    The snapshot, with its report.

Raises:
    Error: with code ONNX_*, SAMPLE_*, INPUT_TYPE, OPTION_*, OUTPUT_TAKEN, FILE_*, ...; then `output` is as it was.

Warns:
    UserWarning: fewer samples than asked for, samples without variation, layers far from FP32.

Example:
    >>> x = numpy.load("images.npy")  # float32 [20, 3, 224, 224]
    >>> made = calotype.compile("model.onnx", [{"input": x[i:i + 1]} for i in range(20)], "model.snapshot", images=20)
    >>> made.report["totals"]["latency_us"]
    812.4)";

inline constexpr const char* kExplainSig =
    "def explain(model: str | os.PathLike[str], *, npu: str = 'VE2802_NPU_IP_O00_A304_M3', "
    "shapes: collections.abc.Sequence[tuple[str, collections.abc.Sequence[int]]] = (), "
    "limits: collections.abc.Mapping[str, int] = {}) -> dict[str, typing.Any]";
inline constexpr const char* kExplainDoc =
    R"(Tells which operator of an ONNX model runs where and why; nothing is quantized and nothing written.

Args:
    model: an ONNX file.
    npu: a configuration's name or file.
    shapes: (input, shape) pairs for inputs with free dims other than the batch: [("input", [1, 3, 224, 224])].

Returns:
    "subgraphs" in order of execution; "operators" with "device" ("NPU" or "CPU"), "macs", "host_us" (microseconds on
    the device's host) and, off the NPU, "reason": rule, actual value, limit, why, suggestion; "totals" with the NPU's
    share of the multiply-accumulates ("npu_share", 0 to 1) and the predicted latency of one sample in microseconds
    ("latency_us").

Raises:
    Error: SHAPE_FREE where a shape is needed, ONNX_*, NPU_*, OPTION_VALUE.

Example:
    >>> told = calotype.explain("model.onnx")
    >>> [o["name"] for o in told["operators"] if o["device"] == "CPU"]
    ['Softmax_52'])";

inline constexpr const char* kInspectSig =
    "def inspect(snapshot: str | os.PathLike[str] | Snapshot) -> dict[str, typing.Any]";
inline constexpr const char* kInspectDoc =
    R"(Tells what a snapshot holds; every checksum is checked.

Returns:
    "inputs" and "outputs" with shape (-1: free), type, scale and zero point; "subgraphs", the NPU's with "layers":
    kind, shapes, scale, "weights_bytes", "macs", "cycles"; "report" as in Snapshot.report.

Raises:
    Error: SNAPSHOT_MISSING, SNAPSHOT_DAMAGED, SNAPSHOT_VERSION.

Example:
    >>> calotype.inspect("model.snapshot")["outputs"][0]["scale"]
    0.1058)";

inline constexpr const char* kVerifySig =
    "def verify(snapshot: str | os.PathLike[str] | Snapshot, *, threads: int = 0, "
    "limits: collections.abc.Mapping[str, int] = {}) -> list[tuple[str, bool, str]]";
inline constexpr const char* kVerifyDoc =
    R"(A snapshot's proof of itself on this machine.

Returns:
    (name, passed, detail) of each check: checksums, golden vectors, each kernel set against the reference, bit for bit.

Raises:
    Error: as Runner does.

Example:
    >>> all(passed for name, passed, detail in calotype.verify("model.snapshot"))
    True)";

inline constexpr const char* kRunnerDoc =
    R"(A snapshot, loaded and ready to run on the bit-exact emulator of its NPU.

Example:
    >>> runner = calotype.Runner("model.snapshot", threads=2)
    >>> runner.inputs
    [('input', 'float32', [-1, 3, 224, 224])]
    >>> runner.run({"input": x})["logits"].shape  # x: float32 [20, 3, 224, 224]
    (20, 1000))";

inline constexpr const char* kRunnerSig =
    "def __init__(self, snapshot: str | os.PathLike[str] | Snapshot, *, threads: int = 0, kernels: str = 'auto', "
    "npu: str = '', limits: collections.abc.Mapping[str, int] = {}, "
    "message: collections.abc.Callable[[str], object] | None = None) -> None";
inline constexpr const char* kRunnerInitDoc =
    R"(Checks every file of the snapshot and prepares it.

Args:
    snapshot: a snapshot, or its directory.
    threads: 0 for as many as there are processors; never changes a bit of the result.
    kernels: "auto", "reference", "avx2" or "avx512"; all give the same bits.
    npu: the configuration present, a name or a file; the snapshot's own where it is left out.
    message: called with each note of a run, which is a warning otherwise.

Raises:
    Error: SNAPSHOT_*, CONFIG_SNAPSHOT_MISMATCH where it was made for another NPU, KERNELS_UNAVAILABLE, OPTION_VALUE.)";

inline constexpr const char* kInputsDoc =
    "(name, type, shape) of each input, -1 where free; axis 0 is the batch. One that is no tensor has a type such as "
    "'sequence(float32)' or 'optional(sequence(float32))', and the shape [].";
inline constexpr const char* kOutputsDoc = "(name, type, shape) of each output, as of each input.";
inline constexpr const char* kBrokenDoc =
    "Values so far that broke their input's type or range: NaN; where the calibration samples were whole numbers of "
    "one "
    "byte, fractions and what lies outside; else what lies further beyond the calibrated range than that is wide.";

inline constexpr const char* kRunSig =
    "def run(self, inputs: collections.abc.Mapping[str, numpy.typing.ArrayLike | None]) -> "
    "dict[str, typing.Any]";
inline constexpr const char* kRunDoc =
    R"(Runs a batch of any size.

Calls from several threads wait for one another; several runners run at the same time. Python's lock is free meanwhile.

Args:
    inputs: one array an input by name, [batch, ...] in the input's own type (bytes too where the calibration samples
        were whole numbers of one byte). C-contiguous arrays are taken without a copy. Strings are arrays of str; of
        float8, int4 and narrower types arrays of the package ml_dtypes, or of uint8 with the codes. A sequence takes a
        list of arrays, an optional what it holds or None. A model with such inputs or outputs runs the whole at once:
        its batch is not cut, and must be the model's own.

Returns:
    One array an output by name, [batch, ...]; a list of arrays where it is a sequence, None where it holds nothing.
    Strings are str objects; types that NumPy lacks are the unsigned integers of their codes, uint16 for bfloat16 and
    uint8 for narrower ones.

Raises:
    Error: INPUT_MISSING, INPUT_UNKNOWN, INPUT_SHAPE, INPUT_SIZE, INPUT_TYPE.

Warns:
    UserWarning: once where values break their input's type, and once for each size that had to be planned anew.)";

}  // namespace calotype::python
