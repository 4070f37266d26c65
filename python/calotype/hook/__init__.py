"""Lets the networks of an unchanged script run on the NPU.

`source settings.sh` and `python3 -m calotype` load this package at the start of every Python, through the file
site/sitecustomize.py; `import calotype.hook` does the same where Python is running already (a notebook). Nothing here
imports a framework or the native module before a script met its first network.
"""

import os

from calotype.hook import finder

if os.environ.get("VAISW_ENABLE_PYWRAPPER", "1").lower() not in ("0", "false"):
    finder.install()
