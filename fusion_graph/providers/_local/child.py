"""The child process of the local provider: serves one GGUF file on a loopback port until its standard input closes, so
it ends with its parent, however that ends. Run as a file; it imports nothing of this package.

In: one line of JSON (`gguf`, `path`, `name`, `key`, `threads`, `parallel`, `context`). Out: one line of JSON (`url`).
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # the engine writes its log to stdout
    wanted = json.loads(sys.stdin.readline())
    server = _serve(wanted)
    answer.write(json.dumps({"url": server.listening_address}) + "\n")
    answer.flush()
    sys.stdin.read()
    os._exit(0)  # the engine's threads need no farewell


def _serve(wanted: dict[str, Any]) -> Any:
    sys.path.insert(0, wanted["path"])
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = wanted["gguf"]
    params.model_alias = {wanted["name"]}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [wanted["key"]]  # without one any web page could call it
    params.n_ctx = wanted["context"]
    params.n_parallel = wanted["parallel"]
    params.kv_unified = True
    params.cpuparams.n_threads = wanted["threads"]
    params.cpuparams_batch.n_threads = wanted["threads"]
    params.verbosity = 1  # errors
    params.ui = False
    params.offline = True
    return xllamacpp.Server(params)


if __name__ == "__main__":
    main()
