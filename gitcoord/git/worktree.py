"""Worktrees for tasks: list, name, make and remove them with the git program.

The one name by which the rest of gitcoord knows them; each part is a file of its own. None of it knows records.
"""

from gitcoord.git.adding import was_interrupted
from gitcoord.git.exclude import hide, unhide
from gitcoord.git.worktree_add import Added, add
from gitcoord.git.worktree_list import Worktree, find, git_dir_of, list_worktrees, main_top
from gitcoord.git.worktree_moved import mend, moved_to
from gitcoord.git.worktree_name import branch_name, plan_path
from gitcoord.git.worktree_remove import Removed, refuse_work, remove

__all__ = [
    "Added",
    "Removed",
    "Worktree",
    "add",
    "branch_name",
    "find",
    "git_dir_of",
    "hide",
    "list_worktrees",
    "main_top",
    "mend",
    "moved_to",
    "plan_path",
    "refuse_work",
    "remove",
    "unhide",
    "was_interrupted",
]
