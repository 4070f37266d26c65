"""What the processor is, for tables of times."""

from pathlib import Path

ISA_FLAGS = [("amx_int8", "AMX"), ("avx512_vnni", "AVX-512 VNNI"), ("avx_vnni", "AVX-VNNI"), ("avx512f", "AVX-512"),
             ("avx2", "AVX2")]


def _fields() -> dict[str, str]:
    pairs = (line.split(":", 1) for line in Path("/proc/cpuinfo").read_text().splitlines() if ":" in line)
    fields = {}
    for key, value in pairs:
        fields.setdefault(key.strip(), value.strip())
    return fields


def cpu() -> str:
    """'AMD EPYC, 2 processors: AVX2'; the instruction sets that matter here, best first."""
    fields = _fields()
    flags = set(fields.get("flags", "").split())
    known = [name for flag, name in ISA_FLAGS if flag in flags] or ["none of the known instruction sets"]
    processors = Path("/proc/cpuinfo").read_text().count("processor\t:")
    return f"{fields.get('model name', 'unknown processor')}, {processors} processors: {', '.join(known)}"
