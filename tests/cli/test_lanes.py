"""Both parsers understand every command line alike: the quick lane where it answers, typer always."""

from __future__ import annotations

import shlex

import pytest

from gitcoord.cli import app, full, lane
from gitcoord.cli.declare import REGISTRY, global_params, params_of
from gitcoord.cli.table import GROUPS, NOUNS, TABLE
from gitcoord.errors import Usage

UNDERSTOOD = """
help
help claim
help task add --json
demo
version
version --json
init
init --guard block --no-hooks --dry-run
init --guard=off --json
uninstall
uninstall --purge-state
doctor
doctor --fix --porcelain
doctor --report --json
undo
undo --dry-run --json
log --at '2h ago' --all --json
log --task 15 --at=2026-11-20T13:03Z
maintain
maintain --older-than 30d --dry-run
export
export state.jsonl --private
export - --json
import state.jsonl --merge --dry-run
import .beads --from beads
import -
hook guard pre-commit
hook guard pre-push origin git@example.org:x.git
hook agent
hook agent --agent claude
mcp
prime
prime --agent gemini --json
hooks install
hooks uninstall
hooks status -z
start
start backend
start 'the back end' --agent claude --model=opus --external-id 7f
start --label a=1 --label b= --label=c=d=e --no-bind --export
start --pid 42 -q
resume
resume backend --json
resume s-abc --pid 7 --no-bind
sessions
sessions --all --porcelain
sessions --sort activity --status idle --status stale --agent claude --label a --label b=c --name 'back*' --here
sessions show backend
sessions show s-abc --json
sessions export backend
sessions export backend 'my file.tar.gz' --mask
sessions archive
sessions archive --older-than 30d --dry-run --yes
sessions remove backend --shred --yes
attach backend
status
status --session s-1 --json
whoami
--json whoami
-q --session s-1 whoami --session s-2
-C /tmp -C x whoami
heartbeat
heartbeat --if-older 5m
heartbeat --if-older=90s
end
end s-1 --handoff 'the rest' --force
cleanup --older-than 7d --dry-run
cleanup
task add title
task add 'a title' --id 15 --body text --priority 0 --after 1 --after 2 --label x -l y
task add t -F -
task add --batch -
wait task 15 --state done --state failed --timeout 30m
wait lock deploy src/x --path --shared --timeout 0s
wait ready --label web -l db
wait change
watch
recipes
recipes locks
event note 'what happened' --meta k=v --meta l= --task 15
log --follow --json
log --all
task add -- --looks-like-an-option
task show 15
task show 15 --json
task list
task list --state pending --label web --mine --all
task edit 15 --title t --body b --priority 4 --label a --remove-label b --after c --remove-after d --reopen
task edit 15 --body ''
task cancel 15 --reason duplicate
task cancel --reason=r 15
ready
ready -l web --label db
claim 15
claim --next -l web
claim 15 --no-worktree --base main --branch b --path
claim -- -15
progress 50
progress 15 50%
progress 15 60 --phase tests -m 'nearly there'
progress --message x
release --reason r
release 15 --reason 'not now'
done
done 15 --status failed --pr u --commit abc --summary s --review --remove-worktree --keep-worktree
takeover 15 --reason gone
takeover 15 --reason hangs --force --token 3 --no-worktree
handoff --note n
handoff 15 --withdraw
handoff 15 -m n --to s --phase p --next a --next b --context k=v --context a=
handoffs
accept 15
accept 15 --no-restore --no-worktree
withdraw 15
worktree list
worktree create 15
worktree remove ../x --force
worktree adopt ../x --task 15
worktree path
worktree path 15
completion bash
completion zsh --jump cw --functions
complete
hub show
hub set origin --republish
hub probe
hub probe ../elsewhere.git
hub unset
sync
sync --every 60s
push
push HEAD:feature --task 15
run claude
run --name 'the tests' --task 15 --lock db --lock src/x -- make -j2 test --json
run --next --isolate --agent claude --model=opus --label a=1 --on-exit keep --grace 5s -- sh -c 'echo x'
run --resume s-abc --json -- sh
setup claude
setup claude --check --user
setup codex --remove --print
setup gemini --mcp --json
setup cursor --no-mcp
setup copilot --no-statusline
setup shell
setup shell --shell zsh --rc --jump cw --man
setup shell --remove --print
statusline
claim 15 --provisional
init --hub origin
lock deploy
lock deploy 'src/**' --shared --ttl 10m --reason r --wait 90s --path
lock -m why -- -deploy
unlock
unlock deploy 'src/**' --path
unlock --all
locks
locks --porcelain
check src/a.py src
check --staged --json
set issue:15 phase review
set issue:15 n '[1, 2]' --json-value --if-version 3
set issue:15 n -F - --if-absent
set issue:15 n -- -1
get issue:15
get issue:15 phase --default plan
unset issue:15
unset issue:15 phase --if-version 0
scopes
scopes 'issue:*'
incr project:m next
incr project:m next --by 5
incr project:m next --by=-1
log
log --task 15 --session s --type claim --since 24h -n 20
--session me log --session you
"""
"""Command lines that the quick lane must understand, and typer with the same result."""

LEFT_TO_TYPER = """
progress 15 60 -m --json
progress 15 60 -mshort
progress 15 60 -m-
task add t --body -x
-qz whoami
sessions --json show backend
whoami -qz
task add t -lx
"""
"""Good command lines that the quick lane leaves alone."""

WRONG = """
whoami extra
claim 15 16
claim --nix
claim --label
claim --next=1
--nix whoami
heartbeat --if-older 5
heartbeat --if-older 5w
heartbeat --if-older -5m
task add t --batch
task add ''
task add t --priority 5
task add t --priority -1
task list --state open
task cancel 15
start --label x
start --pid 0
start --pid ²
takeover 15
done --status maybe
lock
lock ''
lock x --ttl 5
lock x --wait -5s
set a
set a b c d
set a b c --if-version -1
incr a b --by 1.5
incr a b --by ''
hook guard
hook guard post-commit
log -n 0
import
import x --from jira
export a b
wait task
wait task 15 --state sleeping
wait task 15 --timeout soon
wait lock
wait change now
event note
event note ''
event note x --meta y
log -n
sessions backend
sessions --sort age
sessions --status gone
sessions show
sessions show a b
sessions exprt backend
sessions --all show backend
sessions archive backend
sessions remove
attach
setup claude codex
statusline x
"""
"""Command lines that mean nothing: neither lane may understand them."""


def rows(text: str) -> list[str]:
    return [line for line in text.splitlines() if line]


def in_full(argv: list[str]) -> app.Asked:
    asked = app.Asked(argv)
    full.read(argv, asked)
    return asked


def quickly(argv: list[str]) -> app.Asked | None:
    asked = app.Asked(argv)
    found = lane.head(argv)
    return asked if found is not None and app._read_quickly(*found, asked) else None


def told(asked: app.Asked) -> tuple[object, ...]:
    options = {name: getattr(asked.heard, name) for name in asked.heard.__slots__}
    return asked.command and asked.command.verb, asked.values, options


@pytest.mark.parametrize("line", rows(UNDERSTOOD))
def test_both_lanes_give_a_command_the_same_values(line: str) -> None:
    argv = shlex.split(line)
    quick = quickly(argv)
    assert quick is not None
    assert told(quick) == told(in_full(argv))


@pytest.mark.parametrize("line", rows(LEFT_TO_TYPER))
def test_what_the_quick_lane_is_not_sure_of_it_leaves_to_typer(line: str) -> None:
    argv = shlex.split(line)
    assert quickly(argv) is None
    assert in_full(argv).command is not None


@pytest.mark.parametrize("line", rows(WRONG))
def test_neither_lane_makes_sense_of_nonsense(line: str) -> None:
    argv = shlex.split(line)
    assert quickly(argv) is None
    with pytest.raises(Usage):
        in_full(argv)


def test_every_command_stands_in_the_table_of_examples() -> None:
    lines = [" ".join(word for word in line.split()[:4]) for line in rows(UNDERSTOOD)]
    assert [verb for verb in TABLE if not any(verb in line for line in lines)] == []


def test_the_table_declares_exactly_what_the_modules_declare() -> None:
    for verb in TABLE:
        assert app.load(verb).verb == verb
        assert app.load(verb).group in GROUPS
    assert set(REGISTRY) == set(TABLE)
    assert {verb.split(" ")[0] for verb in TABLE if " " in verb} == set(NOUNS)


def test_no_command_confuses_its_own_parameters_with_the_global_ones() -> None:
    for command in full.every_command():
        names = [param.name for param in (*command.params, *global_params(command))]
        assert len(names) == len(set(names)), command.verb


def test_every_example_in_the_help_is_a_line_that_is_understood() -> None:
    for command in full.every_command():
        for line in command.example.splitlines():
            inner = line[line.index("$(") + 2 : line.index(")")] if "$(" in line else line
            words = shlex.split(inner)
            assert words[:2] == ["git", "coord"]
            assert in_full(words[2:]).command is not None, line


def test_a_parameter_without_a_marker_is_refused_when_it_is_declared() -> None:
    def bare(_ctx: object, _thing: str) -> None: ...

    with pytest.raises(TypeError, match="_thing needs exactly one marker"):
        params_of(bare)
