"""Where the models and the labelled data are."""

import os
from pathlib import Path

from bench.calotype_cli import ROOT


def data_folder() -> Path:
    """$CALOTYPE_DATA, else shared/data beside the checkout."""
    folder = Path(os.environ.get("CALOTYPE_DATA") or ROOT.parent / "shared/data")
    if not folder.is_dir():
        raise SystemExit(f"skipped: no data (`{folder}` is absent; set CALOTYPE_DATA)")
    return folder
