"""One folder and what lies in it, for tools that are told paths by a model. Every path is walked from the folder's own
descriptor, part by part, and no part may be a symbolic link: nothing that changes meanwhile can lead outside.

What is refused: `..`, absolute paths elsewhere, links of both kinds, devices and pipes, and writing into `.git`, whose
hooks and settings run with the user's rights.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, NoReturn

from fusion_graph.errors import ToolError, UsageError

MAX_READ = 10_000_000
MAX_WRITE = 10_000_000
LONGEST = 4096
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_HIDDEN = frozenset({".env", ".netrc", ".npmrc", ".pypirc"})
_UNFIT = (Path("/"), Path("/proc"), Path("/sys"), Path("/dev"))


class Entry(NamedTuple):
    """Something in a folder. `kind`: file, folder, link or other."""

    name: str
    kind: str
    size: int


class Workspace:
    """An open folder. `root` is its real path."""

    def __init__(self, root: str | Path) -> None:
        path = Path(root).expanduser()
        try:
            self.root = path.resolve(strict=True)
            self._folder = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as fault:
            raise UsageError(f"{path} cannot be opened: {fault.strerror}", hint="name a folder") from fault
        if self.root == _UNFIT[0] or any(self.root.is_relative_to(unfit) for unfit in _UNFIT[1:]):
            self.close()
            raise UsageError(f"{self.root} is no folder to work in", hint="name a project's folder")

    def close(self) -> None:
        """Further use is an error."""
        if self._folder >= 0:
            os.close(self._folder)
            self._folder = -1

    def __del__(self) -> None:
        with suppress(AttributeError, OSError):
            self.close()

    # --- paths --------------------------------------------------------------------------------------------------------

    def parts(self, path: str) -> tuple[str, ...]:
        """The names that lead to it from the root. Raises ToolError for what leads elsewhere."""
        if "\0" in path or len(path) > LONGEST:
            raise ToolError("that is not a path")
        given = path
        if path.startswith("/"):
            if not Path(path).is_relative_to(self.root):
                raise ToolError(f"{given} is outside the folder {self.root}; give a path relative to it")
            path = str(Path(path).relative_to(self.root))
        if path.startswith("~"):
            raise ToolError(f"{given} is outside the folder; give a path relative to it")
        names = tuple(name for name in path.split("/") if name not in ("", "."))
        if ".." in names:
            raise ToolError(f"{given} holds `..`; give a path relative to the folder, without it")
        return names

    def shown(self, path: str) -> str:
        """The path as results name it."""
        return "/".join(self.parts(path)) or "."

    @contextmanager
    def _parent(self, names: tuple[str, ...], *, make: bool = False) -> Iterator[int]:
        """The descriptor of the folder that holds the last name."""
        here = os.dup(self._folder)
        try:
            for depth, name in enumerate(names[:-1]):
                if make:
                    with suppress(FileExistsError):
                        os.mkdir(name, dir_fd=here)
                try:
                    below = os.open(name, _FOLDER, dir_fd=here)
                except OSError as fault:
                    _refuse(fault, here, names[: depth + 1])
                os.close(here)
                here = below
            yield here
        finally:
            os.close(here)

    # --- reading ------------------------------------------------------------------------------------------------------

    def read_bytes(self, path: str) -> bytes:
        """A regular file of this folder, whole. Raises ToolError."""
        names = self._file_names(path)
        if _is_secret(names):
            raise ToolError(f"{path} may hold keys and is not read")
        with self._parent(names) as folder:
            try:
                descriptor = os.open(
                    names[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder
                )
            except OSError as fault:
                _refuse(fault, folder, names)
        try:
            _require_own_file(os.fstat(descriptor), path)
            with open(descriptor, "rb", closefd=False) as stream:
                content = stream.read(MAX_READ + 1)
        finally:
            os.close(descriptor)
        if len(content) > MAX_READ:
            raise ToolError(f"{path} is larger than {MAX_READ // 1_000_000} MB")
        return content

    def read_text(self, path: str) -> str:
        """As text. Raises ToolError for a binary file."""
        content = self.read_bytes(path)
        if b"\0" in content:
            raise ToolError(f"{path} is a binary file")
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError:
            raise ToolError(f"{path} is not UTF-8 text") from None

    def exists(self, path: str) -> bool:
        """A file, folder or link of that name is there."""
        names = self.parts(path)
        if not names:
            return True
        try:
            with self._parent(names) as folder:
                os.stat(names[-1], dir_fd=folder, follow_symlinks=False)
        except (ToolError, OSError):
            return False
        return True

    def list_folder(self, path: str = ".") -> list[Entry]:
        """What lies in it, by name. Links are named and never followed."""
        names = self.parts(path)
        with self._parent((*names, ".")) as folder, os.scandir(folder) as found:
            entries = [_entry(item, folder) for item in found]
        return sorted(entries)

    # --- writing ------------------------------------------------------------------------------------------------------

    def write_text(self, path: str, text: str) -> None:
        """Put a whole file in its place at once, and make its folders. Its mode stays; nothing is followed."""
        names = self._file_names(path)
        if ".git" in names:
            raise ToolError(f"{path}: .git is not written to, its hooks and settings run outside the sandbox")
        content = text.encode("utf-8", "surrogatepass")
        if len(content) > MAX_WRITE:
            raise ToolError(f"the text for {path} is larger than {MAX_WRITE // 1_000_000} MB")
        with self._parent(names, make=True) as folder:
            mode = _mode_to_keep(folder, names, path)
            made = f".{names[-1][:100]}.{secrets.token_hex(6)}"
            try:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
                with os.fdopen(os.open(made, flags, 0o666, dir_fd=folder), "wb") as stream:
                    if mode is not None:
                        os.fchmod(stream.fileno(), mode)
                    stream.write(content)
                os.replace(made, names[-1], src_dir_fd=folder, dst_dir_fd=folder)
            except OSError as fault:
                with suppress(OSError):
                    os.unlink(made, dir_fd=folder)
                raise ToolError(f"{path} cannot be written: {fault.strerror}") from None

    def _file_names(self, path: str) -> tuple[str, ...]:
        names = self.parts(path)
        if not names:
            raise ToolError(f"{path or 'the empty path'} is the folder itself, not a file")
        return names


def _entry(item: os.DirEntry[str], _folder: int) -> Entry:
    if item.is_symlink():
        return Entry(item.name, "link", 0)
    if item.is_dir(follow_symlinks=False):
        return Entry(item.name, "folder", 0)
    if not item.is_file(follow_symlinks=False):
        return Entry(item.name, "other", 0)
    return Entry(item.name, "file", item.stat(follow_symlinks=False).st_size)


def _mode_to_keep(folder: int, names: tuple[str, ...], path: str) -> int | None:
    """The mode of the file that is replaced. Raises ToolError where something else has the name."""
    try:
        found = os.stat(names[-1], dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    except OSError as fault:
        _refuse(fault, folder, names)
    if stat.S_ISLNK(found.st_mode):
        _refuse(OSError(errno.ELOOP, ""), folder, names)
    _require_own_file(found, path)
    return stat.S_IMODE(found.st_mode) & 0o777


def _require_own_file(found: os.stat_result, path: str) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise ToolError(f"{path} is a folder")
    if not stat.S_ISREG(found.st_mode):
        raise ToolError(f"{path} is not a regular file")
    if found.st_nlink > 1:
        raise ToolError(f"{path} has another name elsewhere (a hard link), which may lie outside the folder")


def _is_secret(names: tuple[str, ...]) -> bool:
    last = names[-1]
    return last in _HIDDEN or (last.startswith(".env.") and not last.endswith((".example", ".sample", ".template")))


def _refuse(fault: OSError, folder: int, names: tuple[str, ...]) -> NoReturn:
    """Say what is wrong with the last name. Raises ToolError."""
    path = "/".join(names)
    try:
        if stat.S_ISLNK(os.stat(names[-1], dir_fd=folder, follow_symlinks=False).st_mode):
            target = os.readlink(names[-1], dir_fd=folder)
            raise ToolError(
                f"{path} is a symbolic link (to {target}), which is not followed; give the path it leads to"
            )
    except OSError:
        pass
    told = {
        errno.ENOENT: f"there is no {path}",
        errno.ENOTDIR: f"{path} is not a folder",
        errno.ELOOP: f"{path} is a symbolic link, which is not followed",
        errno.EACCES: f"{path} may not be opened",
        errno.ENXIO: f"{path} is not a regular file",
    }
    raise ToolError(told.get(fault.errno or 0, f"{path}: {fault.strerror}")) from None
