"""Which repository, which worktree, and how to run git in it without touching another one.

``discover`` asks git once, with the caller's environment as it is (so an exported ``GIT_DIR`` counts); everything after
runs with every repository-local variable dropped and the directory named, because hooks export ``GIT_DIR`` and
``GIT_INDEX_FILE`` and ``git -C elsewhere`` would then hit the wrong repository.
"""

from __future__ import annotations

import os

from gitcoord.errors import GitFailed, NoRepository
from gitcoord.git import ahead
from gitcoord.git.run import Done, run
from gitcoord.lean import TYPE_CHECKING, msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gitcoord.git.batch import Batch

# `git rev-parse --local-env-vars` of git 2.55, less those that carry `git -c name=value`, which the user means for us.
LOCAL_VARIABLES = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_CONFIG",
        "GIT_DIR",
        "GIT_GRAFT_FILE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_INTERNAL_SUPER_PREFIX",
        "GIT_NAMESPACE",
        "GIT_NO_REPLACE_OBJECTS",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_QUARANTINE_PATH",
        "GIT_REF_FORMAT",
        "GIT_REFERENCE_BACKEND",
        "GIT_REPLACE_REF_BASE",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
    }
)


_PLACING = LOCAL_VARIABLES - {"GIT_INDEX_FILE", "GIT_PREFIX", "GIT_DIR"}  # two move nothing, the third is looked at


class Repo(msgspec.Struct, frozen=True):
    """One repository as seen from one place.

    ``common`` is the directory shared by all worktrees, ``git_dir`` the one of this worktree, ``top`` this worktree's
    root (None in a bare repository or inside the Git directory). All absolute. ``env`` is clean for child processes.
    """

    common: str
    git_dir: str
    top: str | None
    bare: bool
    object_format: str
    env: dict[str, str]

    @property
    def coord_dir(self) -> str:
        """Rebuildable local files of gitcoord, shared by all worktrees of this clone."""
        return os.path.join(self.common, "coord")

    def git(
        self,
        *args: str,
        input: bytes = b"",  # noqa: A002 - the word everybody knows from subprocess
        at: str | None = None,
        env: Mapping[str, str] | None = None,
        check: bool = True,
        timeout: float | None = None,
        asks: bool = False,
    ) -> Done:
        """Run ``git ARGS`` on the common directory, or ``at`` a worktree's root. Raises GitFailed when ``check``."""
        done = run(
            ["git", *self.place(at), *args],
            env={**self.env, **env} if env else self.env,
            input=input,
            timeout=timeout,
            asks=asks,
        )
        if check and done.code != 0:
            raise GitFailed(f"git {args[0]} failed: {done.complaint or f'exit code {done.code}'}")
        return done

    def place(self, at: str | None = None) -> Sequence[str]:
        """The options that tie a git command to this repository."""
        # Replace refs can be pushed by anybody: state is read as it was written.
        return ["--no-replace-objects", f"--git-dir={self.common}"] if at is None else ["-C", at]

    def cat_file(self) -> Batch:
        """A running ``git cat-file --batch`` on this repository, that asks no remote for what is missing."""
        from gitcoord.git.batch import Batch

        return Batch(["git", *self.place(), "cat-file", "--batch"], {**self.env, **OFFLINE})

    def settings(self) -> Done:
        """What ``git config`` has of ours and of the author's, as ``name newline value NUL``."""
        known = ahead.settings_of(self.common)
        return self.git(*_SETTINGS, check=False) if known is None else Done(0, known, b"")


_SETTINGS = ("config", "-z", "--get-regexp", r"^(coord|user|author)\.")

# In a partial clone a missing object would be asked of the remote: minutes, prompts, and never ours. The first variable
# is git 2.44 (and its security back-ports); where it is not known, no protocol being allowed has the same effect.
OFFLINE: Mapping[str, str] = {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": ""}


def look_ahead(start: str, environ: Mapping[str, str]) -> None:
    """Ask Git now what every command asks first, to have the answer when all is imported that asks."""
    if _PLACING.isdisjoint(environ):
        ahead.begin(start, environ, clean_env(environ))


def clean_env(environ: Mapping[str, str]) -> dict[str, str]:
    """``environ`` without what would bind git to some repository, speaking English, asking nothing."""
    env = {name: value for name, value in environ.items() if name not in LOCAL_VARIABLES}
    env["LC_ALL"] = "C"
    env["GIT_TERMINAL_PROMPT"] = "0"
    return env


def discover(start: str, environ: Mapping[str, str]) -> Repo:
    """The repository around ``start``. Raises NoRepository, or GitFailed when git is missing or refuses the owner."""
    if not os.path.isdir(start):
        raise NoRepository(f"there is no directory {start}")
    seen = ahead.answer(start)
    if seen is not None:
        return Repo(seen.common, seen.git_dir, seen.top, False, seen.object_format, clean_env(environ))
    done = _rev_parse(start, environ, *_QUESTIONS)
    lines = done.text.split("\n")
    if len(lines) < 4:
        if b"not a git repository" in done.err:
            raise NoRepository()
        raise GitFailed(f"git does not open this repository: {done.complaint}")
    # Outside a work tree --show-toplevel alone fails, after the other answers were printed.
    if len(lines) != (5 if done.code == 0 else 4):  # there is a line break in a path
        answers = [_rev_parse(start, environ, question) for question in _QUESTIONS]
        lines = [answer.text for answer in answers if answer.code == 0]
    common, git_dir, bare, object_format = lines[:4]
    ahead.settings_of(common)  # of an earlier answer, if nobody took them: they may have changed since
    top = lines[4] if len(lines) > 4 else None
    if top is not None and "GIT_DIR" in environ and "GIT_WORK_TREE" not in environ:
        top = _real_top(start, top, common, git_dir)
    return Repo(common, git_dir, top, bare == "true", object_format, clean_env(environ))


_QUESTIONS = ("--git-common-dir", "--git-dir", "--is-bare-repository", "--show-object-format", "--show-toplevel")


def _rev_parse(start: str, environ: Mapping[str, str], *questions: str) -> Done:
    return run(_questions(start, questions), env={**environ, "LC_ALL": "C"})


def _questions(start: str, questions: Sequence[str]) -> list[str]:
    return ["git", "-C", start, "rev-parse", "--path-format=absolute", *questions]


def _real_top(start: str, top: str, common: str, git_dir: str) -> str:
    """The root of the worktree of ``git_dir``: with GIT_DIR alone exported, Git takes the current directory for it."""
    if os.path.realpath(top) != os.path.realpath(start):
        return top
    link = common
    if git_dir != common:
        try:
            with open(os.path.join(git_dir, "gitdir"), "rb") as file:
                link = os.path.join(git_dir, os.fsdecode(file.read().rstrip(b"\n")))
        except OSError:
            return top
    above, name = os.path.split(link)
    return os.path.normpath(above) if name == ".git" and os.path.isdir(above) else top
