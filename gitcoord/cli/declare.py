"""How a command is declared: once, on its function, for both parsers (``lane`` and ``full``) and for its help.

Owns the markers, the registry and the global options. Must not know typer, the terminal or any coordination. Read
straight from ``__annotations__`` and the defaults, because importing ``inspect`` costs 5 ms a command (measured); so
command modules must not use ``from __future__ import annotations``.
"""

from __future__ import annotations

from gitcoord.lean import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from gitcoord.cli.reply import Reply

    Parse = Callable[[str], object]
    """Text from the command line to a value; raises ValueError with a text that says what is accepted."""


class Marker:
    """What an annotation says about one parameter, besides its type."""

    __slots__ = ("about", "many", "metavar", "names", "parse")

    def __init__(
        self, names: tuple[str, ...], metavar: str, about: str, parse: Parse | None = None, *, many: bool = False
    ) -> None:
        self.names = names
        self.metavar = metavar
        self.about = about
        self.parse = parse
        self.many = many


class Arg(Marker):
    """A positional argument; with ``many`` it takes all that are left, as a tuple."""

    __slots__ = ()

    def __init__(self, metavar: str, about: str, *, parse: Parse | None = None, many: bool = False) -> None:
        super().__init__((), metavar, about, parse, many=many)


class Opt(Marker):
    """An option with a value; given twice, the last one counts."""

    __slots__ = ()

    def __init__(self, *names: str, metavar: str, about: str, parse: Parse | None = None) -> None:
        super().__init__(names, metavar, about, parse)


class Many(Marker):
    """An option that may be given several times; its values arrive as a tuple."""

    __slots__ = ()

    def __init__(self, *names: str, metavar: str, about: str, parse: Parse | None = None) -> None:
        super().__init__(names, metavar, about, parse, many=True)


class Flag(Marker):
    """An option without a value: True when it is given."""

    __slots__ = ()

    def __init__(self, *names: str, about: str) -> None:
        super().__init__(names, "", about)


class Param:
    """One parameter of a command: its marker, its name in Python and what it is when it is not given."""

    __slots__ = ("default", "mark", "name", "required")

    def __init__(self, name: str, mark: Marker, default: object, *, required: bool) -> None:
        self.name = name
        self.mark = mark
        self.default = default
        self.required = required

    @property
    def positional(self) -> bool:
        return isinstance(self.mark, Arg)

    @property
    def flag(self) -> bool:
        return isinstance(self.mark, Flag)

    def value(self, text: str) -> object:
        """``text`` as this parameter's value. Raises ValueError saying what is accepted."""
        return text if self.mark.parse is None else self.mark.parse(text)


class Command:
    """A declared command; ``codes`` are the refusals worth naming in its help, beside those every command has.

    ``hidden``: for programs of ours, and left out where commands are listed.
    """

    __slots__ = ("codes", "details", "example", "group", "hidden", "params", "run", "summary", "verb")

    def __init__(
        self,
        verb: str,
        run: Callable[..., Reply],
        params: tuple[Param, ...],
        *,
        group: str,
        summary: str,
        details: str,
        example: str,
        codes: tuple[str, ...],
        hidden: bool,
    ) -> None:
        self.verb = verb
        self.run = run
        self.params = params
        self.group = group
        self.summary = summary
        self.details = details
        self.example = example
        self.codes = codes
        self.hidden = hidden

    @property
    def usage(self) -> str:
        """The synopsis without ``git coord``: ``claim [ID] [--next] [--label L]... ...``."""
        words = [self.verb]
        for param in self.params:
            mark = param.mark
            word = mark.metavar if param.positional else " ".join(filter(None, (mark.names[0], mark.metavar)))
            optional = word if param.required or word.startswith("[") else f"[{word}]"
            words.append(optional + ("..." if mark.many and not optional.endswith("]...") else ""))
        return " ".join(words)


REGISTRY: dict[str, Command] = {}
"""Every command whose module has been imported, by verb."""


def command(
    verb: str,
    *,
    group: str,
    summary: str,
    example: str,
    details: str = "",
    codes: tuple[str, ...] = (),
    hidden: bool = False,
) -> Callable[[Callable[..., Reply]], Callable[..., Reply]]:
    """Declare the decorated function as ``git coord VERB``; its first parameter is the Context."""

    def declared(run: Callable[..., Reply]) -> Callable[..., Reply]:
        REGISTRY[verb] = Command(
            verb,
            run,
            params_of(run),
            group=group,
            summary=summary,
            details=details,
            example=example,
            codes=codes,
            hidden=hidden,
        )
        return run

    return declared


def params_of(run: Any) -> tuple[Param, ...]:
    """The parameters after the Context, in order. Raises TypeError where one has no marker."""
    code = run.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    positional = names[: code.co_argcount]
    defaults = dict(zip(reversed(positional), reversed(run.__defaults__ or ()), strict=False))
    defaults.update(run.__kwdefaults__ or {})
    return tuple(_param(run, name, defaults) for name in names[1:])


def _param(run: Any, name: str, defaults: dict[str, object]) -> Param:
    marks = [m for m in getattr(run.__annotations__[name], "__metadata__", ()) if isinstance(m, Marker)]
    if len(marks) != 1:
        raise TypeError(f"{run.__module__}.{run.__name__}: parameter {name} needs exactly one marker")
    return Param(name, marks[0], defaults.get(name), required=name not in defaults)


class Options:
    """What the global options say; the same before and after the verb."""

    __slots__ = ("directory", "json", "porcelain", "quiet", "session", "version", "z")

    def __init__(self) -> None:
        self.json = False
        self.porcelain = False
        self.z = False
        self.quiet = False
        self.version = False
        self.session: str | None = None
        self.directory: tuple[str, ...] = ()

    def update(self, given: dict[str, Any]) -> None:
        """Add what was given in one more place: flags add up, the last session counts, directories follow on."""
        for name, value in given.items():
            if name == "directory":
                self.directory += tuple(value)
            elif value:
                setattr(self, name, value)


EVERYWHERE = (
    Param("json", Flag("--json", about="Print exactly one JSON document, also for a failure."), False, required=False),
    Param("porcelain", Flag("--porcelain", about="Print one record a line, as tab-separated key=value."), False,
          required=False),
    Param("z", Flag("-z", about="Like --porcelain, with records ended by NUL."), False, required=False),
    Param("session", Opt("--session", metavar="S", about="Act as this session: id, unique prefix, name or agent's id."),
          None, required=False),
    Param("quiet", Flag("--quiet", "-q", about="Print data, warnings and errors only."), False, required=False),
)  # fmt: skip
"""Global options, accepted before and after the verb; a command's own option of the same name wins after it."""

BEFORE = (
    *EVERYWHERE,
    Param("directory", Many("-C", metavar="DIR", about="Run as if started in DIR."), (), required=False),
    Param("version", Flag("--version", about="Say which versions are at work."), False, required=False),
)
"""Global options before the verb."""


def global_params(command: Command) -> tuple[Param, ...]:
    """The global options that ``command`` takes after its verb: all but those it uses itself."""
    own = {name for param in command.params for name in param.mark.names}
    return tuple(param for param in EVERYWHERE if not own.intersection(param.mark.names))
