"""How a session looks from near, and what was done with its local files."""

from __future__ import annotations

from gitcoord.cli.render.doc import Doc, Facts, Line, Table, lines
from gitcoord.cli.render.sessions import facts
from gitcoord.cli.render.words import count, moment
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from gitcoord.coordinator.kept import Archive, Exported, Private, Removed, Shown, Whereabouts

_MANY = 20


def shown(found: Shown) -> Doc:
    here = Facts(
        (
            *facts(found.session),
            ("private files", "" if found.private is None else _much(found.private)),
            ("isolated", "" if found.private is None or not found.private.agent else f"for {found.private.agent}"),
            ("archived in", "\n".join(found.archives)),
            ("tmux pane", found.tmux or ""),
        )
    )
    return [here]


def _much(private: Private) -> str:
    return f"{count(private.files, 'file')}, {size(private.bytes)} in {private.path}"


def size(number: int) -> str:
    """Bytes for people: ``812 B``, ``14 kB``, ``3.2 MB``."""
    for unit, scale in (("GB", 10**9), ("MB", 10**6)):
        if number >= scale:
            return f"{number / scale:.1f} {unit}"
    return f"{number} B" if number < 1000 else f"{number // 1000} kB"


def exported(done: Exported) -> Doc:
    doc = [Line(f"wrote {done.path}: {count(done.events, 'event')}, {count(done.files, 'file')}")]
    if done.masked:
        doc.append(Line(f"masked in {count(done.masked, 'place')}; look through it before you pass it on", indent=1))
    left = list(done.left_out.items())
    doc += [Line(f"left out {name}: {why}", "dim", indent=1) for name, why in left[:_MANY]]
    return [*doc, Line(f"left out {len(left) - _MANY} more", "dim", indent=1)] if len(left) > _MANY else doc


def archived(done: Archive) -> Doc:
    if not done.sessions and not done.bare:
        return lines(f"nothing to archive: no session here ended more than {done.older_than / 86400:g} days ago")
    would = "would be " if done.dry_run else ""
    doc: list[Line | Table] = []
    if done.sessions:
        heads = ("SESSION", "ID", "ENDED", "FILES", "SIZE", "ARCHIVE")
        rows = (
            (item.session_name, item.session, moment(item.ended_at), str(item.files), size(item.bytes), item.path)
            for item in done.sessions
        )
        doc += [Line(f"{count(len(done.sessions), 'session')} {would}archived:"), Table(heads, tuple(rows), long=5)]
    if done.bare:
        doc.append(Line(f"{count(len(done.bare), 'empty directory', 'empty directories')} {would}removed"))
    return [*doc, Line("'git coord sessions archive --yes' does it", "dim")] if done.dry_run else doc


def question(found: Shown, *, shred: bool) -> str:
    """What is asked before a directory goes."""
    private = found.private
    what = "" if private is None else f"{count(private.files, 'file')}, {size(private.bytes)}"
    how = "Overwrite and remove" if shred else "Remove"
    return f"{how} what is private of {found.session.name} ({found.session.id}): {what}?"


def removed(done: Removed, *, shred: bool) -> Doc:
    doc = [Line(f"removed {count(done.files, 'file')}, {size(done.bytes)} of {done.session_name}: {done.path}")]
    if shred:
        doc.append(Line("overwritten first, which SSDs, copy on write, snapshots and backups may outlive", "dim", 1))
        if done.shredded < done.files:
            doc.append(
                Line(
                    f"{count(done.files - done.shredded, 'file')} not overwritten: in use under another name", "warn", 1
                )
            )
    return doc


def found_at(where: Whereabouts) -> Doc:
    session = where.session
    if where.in_front:
        doc = [Line(f"{session.name} is in front in tmux, pane {where.tmux}")]
        return doc if where.inside else [*doc, Line(f"hint: tmux -S {where.socket} attach-session", indent=1)]
    name = f"{session.name} ({session.id}) is {session.shown}"
    near = "on this machine" if where.here else "on another machine"
    gone = f"; its tmux pane {where.tmux} is gone" if where.tmux else ""
    place = Facts(
        (
            ("host", session.host or ""),
            ("user", session.user or ""),
            ("ssh from", session.ssh_client or ""),
            ("process", "" if session.pid is None else str(session.pid)),
            ("worktree", session.worktree or ""),
        )
    )
    return [Line(f"{name}, {near}{gone}"), place]
