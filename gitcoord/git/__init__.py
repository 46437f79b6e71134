"""What asks Git: processes, repositories, worktrees, hooks, configuration, snapshots. Knows nothing of records."""
