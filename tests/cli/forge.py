"""Snapshots changed by a hand that knows the format: every checksum is right again."""

import hashlib
import json
from pathlib import Path


def manifest_text(manifest: dict) -> str:
    """With the checksum over the rest in canonical form as its last field."""
    rest = {key: value for key, value in sorted(manifest.items()) if key != "sha256"}
    canonical = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return json.dumps({**rest, "sha256": hashlib.sha256(canonical.encode()).hexdigest()}, indent=1,
                      ensure_ascii=False) + "\n"


def read_manifest(snapshot: Path) -> dict:
    return json.loads((snapshot / "manifest.json").read_text())


def write_manifest(snapshot: Path, manifest: dict):
    (snapshot / "manifest.json").write_text(manifest_text(manifest))


def replace(snapshot: Path, name: str, content: bytes):
    (snapshot / name).write_bytes(content)
    manifest = read_manifest(snapshot)
    manifest["files"][name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    write_manifest(snapshot, manifest)


def leaves(value, path=()):
    """Paths to everything in a JSON value that holds nothing else, and to every array and object."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from leaves(inner, (*path, key))


def with_value(value, path, new):
    """A copy of the JSON value with `new` at the path."""
    copy = json.loads(json.dumps(value))
    if not path:
        return new
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = new
    return copy
