"""``recipes``: short examples of every pattern of coordination, as pages to read and to run."""

import os

from gitcoord.cli.context import Context
from gitcoord.cli.declare import Arg, command
from gitcoord.cli.render.doc import Facts, Line
from gitcoord.cli.reply import Reply
from gitcoord.errors import NotFound
from gitcoord.lean import Annotated

FOLDER = os.path.join(os.path.dirname(os.path.dirname(__file__)), "recipes")
"""The pages; tests/test_recipes.py runs them."""


def names() -> list[str]:
    """What pages there are."""
    return sorted(name.removesuffix(".md") for name in os.listdir(FOLDER) if name.endswith(".md"))


@command(
    "recipes",
    group="Set-up",
    summary="Show examples of how to work together: queues, locks, handoffs, waiting and more.",
    example="git coord recipes\ngit coord recipes locks",
    codes=("not-found",),
)
def recipes(
    ctx: Context, name: Annotated[str | None, Arg("NAME", "Which one to print; without it, a list.")] = None
) -> Reply:
    if name is None:
        found = [{"name": each, "title": title(each)} for each in names()]
        facts = Facts(tuple((one["name"], one["title"]) for one in found))
        return Reply(found, lambda: [facts, Line(""), Line("'git coord recipes NAME' prints one")])
    if name not in names():
        raise NotFound(f"there is no recipe '{name}'", hint="git coord recipes", names=names())
    text = read(name)
    return Reply({"name": name, "title": title(name), "text": text}, lambda: [Line(line) for line in text.splitlines()])


def read(name: str) -> str:
    """The text of a page."""
    with open(os.path.join(FOLDER, f"{name}.md"), encoding="utf-8") as file:
        return file.read()


def title(name: str) -> str:
    """The heading of a page."""
    return read(name).partition("\n")[0].removeprefix("# ")
