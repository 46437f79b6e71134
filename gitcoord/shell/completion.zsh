# Offers the values of the kinds $1 (task,session,…) under the heading $2. compadd quotes what it inserts.
__git_coord_values ()
{
	local line kind value about coord_lines expl
	local -a values shown
	__git_coord_read
	for line in ${(f)coord_lines}; do
		kind=${line%%$'\t'*} line=${line#*$'\t'}
		value=${line%%$'\t'*} about=${line#*$'\t'}
		[[ ",$1," == *",$kind,"* && $value != -* && $line != $value && $value != *[[:cntrl:]]* ]] || continue
		values+=("$value")
		shown+=("$value${about:+  -- $about}")
	done
	(( $#values )) || { _message "$2"; return 1 }
	_wanted coord-values expl "$2" compadd -l -d shown -a values
}

__git_coord_slot ()
{
	local expl
	local -a found
	case $1 in
	'='*) found=(${(s:,:)1#=}); _wanted coord-words expl value compadd -a found ;;
	verb) _wanted coord-verbs expl command compadd -- ${=__git_coord_verbs} ;;
	ref) found=(${(f)"$(__git_coord_git for-each-ref '--format=%(refname:short)' refs/heads refs/tags refs/remotes)"})
		_wanted coord-refs expl revision compadd -a found ;;
	remote) found=(${(f)"$(__git_coord_git remote)"}); _wanted coord-remotes expl remote compadd -a found ;;
	dir) _files -/ ;;
	- | flag) _message 'no more to complete' ;;
	file) _files ;;
	*,file) __git_coord_values ${1%,file} ${1%%,*}; _files ;;
	*) __git_coord_values "$1" ${1%%,*} ;;
	esac
}

_git-coord ()
{
	local coord_verb coord_opts coord_state coord_args coord_at coord_slot
	local cword=$((CURRENT - 1)) cur=$PREFIX
	local -a __git_C_args coord_reply
	[[ -z ${opt_args[-C]-} ]] || __git_C_args=(-C ${(Q)opt_args[-C]})
	__git_coord_parse 1 || return 1
	case $coord_state:$cur in
	(rest|verbs):--*=*)
		__git_coord_option ${cur%%=*} || return 1
		compset -P '*='
		coord_state=value
		;;
	(rest|verbs):-*)
		__git_coord_options "$coord_verb"
		_describe -o -t options option coord_reply
		return
		;;
	esac
	case $coord_state in
	verbs) __git_coord_abouts ''; _describe -t commands 'git coord command' coord_reply ;;
	seconds) __git_coord_abouts "$coord_verb"; _describe -t commands "git coord $coord_verb" coord_reply ;;
	value) __git_coord_slot $coord_slot ;;
	*) __git_coord_position; __git_coord_slot $coord_slot ;;
	esac
}

__git_coord_jump_main ()
{
	__git_coord_values place 'task with a worktree'
}

if (( $+functions[compdef] )); then
	compdef _git-coord git-coord
	compdef __git_coord_jump_main @JUMP@
fi
