"""Turns the downloads of one entry of models.toml into an ONNX model and its tokenizer.

    convert.py e5|minilm SOURCE TARGET

SOURCE holds the downloads under their `file` names; TARGET is an empty folder. `onnx` and
`numpy` must be importable: `cargo xtask models` puts them into the cache and on PYTHONPATH.
"""

import importlib
import pathlib
import sys

if __name__ == "__main__":
    kind, source, target = sys.argv[1:]
    if kind not in ("e5", "minilm"):
        raise SystemExit(f"no conversion is called {kind}")
    importlib.import_module(kind).convert(pathlib.Path(source), pathlib.Path(target))
