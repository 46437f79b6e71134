"""Set-up of agents: ``git coord setup claude`` and its like write what an agent needs into its own settings.

    work = Work.of("claude", root, environ, remember=(repo.common, ("coord", "setup")), private=(repo.common,))
    work.carry_out(work.plan())

What goes where is in ``table``, what is ours in a text in ``pieces`` and ``section``, how a JSON text is read and
changed in ``jsontree`` and ``jsonedit``, which files may be touched in ``files``, and how the former bytes come back in
``memory``. ``work`` puts them together.
"""

from __future__ import annotations

from gitcoord.agents.setup.table import AGENTS
from gitcoord.agents.setup.work import Change, Work

__all__ = ["AGENTS", "Change", "Work"]
