# The task of this worktree, or else its session, for a prompt: call it in fish_prompt. Prints nothing where there is
# neither, starts no process, and prints only characters that mean nothing to a terminal.
function __git_coord_prompt -a format
    set -l result $status
    test -n "$format"; or set format ' (%s)'
    set -l git_dir (__git_coord_git_dir)
    or return $result
    set -l text ''
    if test -f $git_dir/coord-claim
        set -l lines
        while read -l line
            set -a lines $line
        end <$git_dir/coord-claim
        if string match -q '1 *' -- $lines[1]
            set text (string match -r '^"([A-Za-z0-9._#/:@+ -]+)"$' -- $lines[2])[2]
            test -n "$text"; or set text (string match -r '/([a-z0-9._-]+)(?:\+[0-9a-f]+)?$' -- $lines[1])[2]
        end
    end
    if test -z "$text"
        set text "$GIT_COORD_SESSION"
        if test -z "$text" -a -f $git_dir/coord-session
            read text <$git_dir/coord-session
        end
        string match -q -r '^[A-Za-z0-9._-]+$' -- "$text"; or set text ''
    end
    test -z "$text"; or printf $format $text
    return $result
end

# Prints the Git directory of the worktree around; fails outside of one.
function __git_coord_git_dir
    if test -n "$GIT_DIR"
        echo $GIT_DIR
        return
    end
    set -l dir $PWD
    while not test -e $dir/.git
        test -n "$dir"; or return 1
        set dir (string replace -r '/[^/]*$' '' -- $dir)
    end
    if test -d $dir/.git
        echo $dir/.git
        return
    end
    read -l line <$dir/.git
    set -l place (string match -r '^gitdir: (.*)$' -- $line)[2]
    or return 1
    string match -q '/*' -- $place; and echo $place; or echo $dir/$place
end

# Goes to the worktree of a task, or without one to the main worktree.
function @JUMP@
    set -l place
    if test (count $argv) -eq 0
        set place (git coord worktree path | string collect)
    else
        set place (git coord worktree path -- $argv | string collect)
    end
    test -n "$place"; and cd -- $place
end

# "complete -C" makes fish load the file that has these functions. Some releases of fish (3.6) do not find the
# completion of git-coord from "git coord" by themselves.
function __git_coord_load
    functions -q __git_coord_complete; or complete -C 'git-coord ' >/dev/null
end
complete -c @JUMP@ -f -a '(__git_coord_load; __git_coord_values place)'
complete -c git -n '__fish_git_using_command coord' -f -a '(__git_coord_load; __git_coord_complete)'
