"""The build hook that compiles the core, for whoever asks for it: `HATCH_BUILD_HOOKS_ENABLE=true`, or `make compiled`.
The modules that pyproject lists become C extensions by mypyc, which takes our types as they are. They lie in the wheel
beside their sources, and Python prefers them. Nothing is fetched, and nothing is written into this folder: an extension
here would be run in place of a source that was changed since."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

GROUP = "fusion_graph"  # the library that holds the code is called fusion_graph__mypyc
PROBE = "#include <Python.h>\nPyMODINIT_FUNC PyInit_probe(void) { return NULL; }\n"
LACKING = (
    "The core cannot be compiled here: {}. {}, or build without HATCH_BUILD_HOOKS_ENABLE: the sources run as they are."
)


def modules(root: Path, config: Mapping[str, Any]) -> list[str]:
    """The files to compile, relative to `root`: what `compiled` matches and `interpreted` does not."""
    found, kept = ({path for glob in config[name] for path in root.glob(glob)} for name in ("compiled", "interpreted"))
    return sorted(path.relative_to(root).as_posix() for path in found - kept)


class CompileHook(BuildHookInterface[Any]):
    """Adds the extensions to the wheel. An editable install runs the sources, whatever is asked for."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        self._folder = tempfile.TemporaryDirectory(prefix="compiled-")
        folder = Path(self._folder.name)
        self._probe(folder)
        built = _link(self._translated(folder), folder)
        files = {str(path): path.relative_to(built).as_posix() for path in built.rglob("*") if path.is_file()}
        build_data["force_include"].update(files)
        build_data["pure_python"], build_data["infer_tag"] = False, True

    def finalize(self, version: str, _build_data: dict[str, Any], _artifact_path: str) -> None:
        if version != "editable":
            self._folder.cleanup()

    def _probe(self, folder: Path) -> None:
        """Say at once what is missing here: a build takes a minute."""
        try:
            import mypyc  # noqa: F401
            from setuptools import Extension
            from setuptools.errors import BaseError, CCompilerError
        except ImportError as missing:
            self.app.abort(LACKING.format(missing, "Install requirements/dev.txt and build without isolation"))
        (folder / "probe.c").write_text(PROBE, "utf-8")
        try:
            _link([Extension("probe", [str(folder / "probe.c")])], folder / "probe")
        except (BaseError, CCompilerError) as fault:
            self.app.abort(LACKING.format(str(fault).rstrip("."), "Install a C compiler and Python's headers"))

    def _translated(self, folder: Path) -> list[Any]:
        """The modules as C. `make types` checks them; packages of others need not be here, as no compiled module
        imports one."""
        from mypyc.build import mypycify

        options = ["--cache-dir", f"{folder}/types", "--follow-imports=silent", "--ignore-missing-imports"]
        files = modules(Path(self.root), self.config)
        said = io.StringIO()
        try:
            with redirect_stdout(said):
                return mypycify(
                    [*options, *files], opt_level="2", debug_level="0", target_dir=str(folder), group_name=GROUP
                )
        except SystemExit:
            self.app.abort(f"mypyc does not take these modules:\n{said.getvalue()}")
            raise


def _link(extensions: Sequence[Any], folder: Path) -> Path:
    """Compile and link; the folder of what was built. Our pyproject is not read, as setuptools knows another form."""
    from setuptools import Distribution

    command = Distribution({"name": GROUP, "ext_modules": list(extensions)}).get_command_obj("build_ext")
    command.build_lib, command.build_temp = str(folder / "built"), str(folder / "objects")
    command.ensure_finalized()
    command.run()
    return folder / "built"
