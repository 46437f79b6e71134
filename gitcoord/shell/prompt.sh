# __git_coord_ps1 [FORMAT]: the task of this worktree, or else its session, for a prompt: PS1='\w$(__git_coord_ps1) \$ '
# FORMAT is printf's, ' (%s)' by default; nothing is printed where there is neither. Starts no process, keeps $?, and
# prints only characters that mean nothing to a prompt.
__git_coord_ps1 ()
{
	local before=$? git_dir sid='' version='' who='' token='' ref='' id='' text=''
	[ -z "${ZSH_VERSION-}" ] || emulate -L sh
	__git_coord_git_dir || return $before
	if [ -f "$git_dir/coord-claim" ]; then
		{ IFS=' ' read -r version who token ref && IFS= read -r id; } <"$git_dir/coord-claim" 2>/dev/null
	fi
	if [ "$version" = 1 ]; then
		text=${id#\"}
		text=${text%\"}
		case "$text" in
		'' | *[!A-Za-z0-9._#/:@+\ -]*) text=${ref##*/} text=${text%+*} ;;
		esac
	fi
	case "$text" in
	'' | *[!A-Za-z0-9._#/:@+\ -]*)
		text=${GIT_COORD_SESSION-}
		[ -n "$text" ] || [ ! -f "$git_dir/coord-session" ] || IFS= read -r text <"$git_dir/coord-session" 2>/dev/null
		case "$text" in
		*[!A-Za-z0-9._-]*) text='' ;;
		esac
		;;
	esac
	[ -z "$text" ] || printf -- "${1- (%s)}" "$text"
	return $before
}

# Sets git_dir to the Git directory of the worktree around, as git would find it; fails outside of one.
__git_coord_git_dir ()
{
	local dir=$PWD line
	git_dir=${GIT_DIR-}
	[ -z "$git_dir" ] || return 0
	while [ ! -e "$dir/.git" ]; do
		[ -n "$dir" ] || return 1
		dir=${dir%/*}
	done
	git_dir=$dir/.git
	[ -f "$git_dir" ] || return 0
	IFS= read -r line <"$git_dir" || [ -n "$line" ] || return 1
	case "$line" in
	'gitdir: /'*) git_dir=${line#gitdir: } ;;
	'gitdir: '*) git_dir=$dir/${line#gitdir: } ;;
	*) return 1 ;;
	esac
}

# Goes to the worktree of a task, or without one to the main worktree.
@JUMP@ ()
{
	local place
	[ "$#" = 0 ] || set -- -- "$@"
	place=$(git coord worktree path "$@") || return
	cd -- "$place"
}
