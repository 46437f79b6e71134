# What bash and zsh share: reading the command line, and the values that only the repository knows.
# Whatever comes from the repository is data: matched and printed, never evaluated (no eval, no compgen -W).

# Whether the cache of the repository with common directory $1 is as new as its refs. Starts no process. The cache is
# dated two seconds before it was read, so that a change within the same second counts as newer.
__git_coord_fresh ()
{
	local each
	[ -f "$1/coord/complete" ] && [ ! -L "$1/coord/complete" ] || return 1
	for each in refs refs/coord refs/coord/tasks refs/coord/sessions refs/coord/locks refs/coord/data \
		refs/coord-local/data packed-refs reftable/tables.list; do
		[ ! "$1/$each" -nt "$1/coord/complete" ] || return 1
	done
}

# git, in the repository that the line being completed names with -C or --git-dir.
__git_coord_git ()
{
	git ${__git_C_args:+"${__git_C_args[@]}"} ${__git_dir:+"--git-dir=$__git_dir"} "$@" 2>/dev/null
}

# Sets coord_lines to what there is to offer here, a line each: kind, value, description.
__git_coord_read ()
{
	local common
	coord_lines=
	common=$(__git_coord_git rev-parse --path-format=absolute --git-common-dir) || return 0
	if __git_coord_fresh "$common"; then
		coord_lines=$(<"$common/coord/complete")
	else
		coord_lines=$(__git_coord_git coord complete)
	fi
}

# Sets coord_slot to what option $1 takes, according to coord_opts ("flag": no value); fails where there is none.
__git_coord_option ()
{
	local rest
	case " $coord_opts " in
	*" $1 "*) coord_slot=flag ;;
	*" $1="*)
		rest=" $coord_opts "
		rest=${rest#*" $1="}
		coord_slot=${rest%%" "*}
		;;
	*) return 1 ;;
	esac
}

# Reads words[$1..cword-1], the words after "coord". Sets coord_verb, coord_opts and coord_state: "verbs", "seconds"
# (of the noun coord_verb), "rest" (position coord_at of coord_args, options too), "words" (the same after --), or
# "value" (of an option: coord_slot).
__git_coord_parse ()
{
	[ -z "${ZSH_VERSION-}" ] || emulate -L ksh
	local i=$1 word
	coord_verb='' coord_state=verbs coord_args='' coord_at=0 coord_slot=''
	coord_opts=$__git_coord_before
	while [ "$i" -lt "$cword" ]; do
		word=${words[i]}
		i=$((i + 1))
		case "$coord_state:$word" in
		rest:--) coord_state=words ;;
		words:*) coord_at=$((coord_at + 1)) ;;
		*:-?*)
			if __git_coord_option "$word" && [ "$coord_slot" != flag ]; then
				[ "$i" -lt "$cword" ] || { coord_state=value; return 0; }
				i=$((i + 1))
			fi
			;;
		verbs:*)
			coord_verb=$word
			if __git_coord_row "$coord_verb"; then
				coord_state=rest
			else
				coord_state=seconds
			fi
			;;
		seconds:*)
			coord_verb="$coord_verb $word"
			__git_coord_row "$coord_verb" || return 1
			coord_state=rest
			;;
		*)
			# "sessions" is a command, and "sessions show" another one
			if [ "$coord_at" = 0 ] && __git_coord_row "$coord_verb $word"; then
				coord_verb="$coord_verb $word"
			else
				coord_at=$((coord_at + 1))
			fi
			;;
		esac
	done
}

# Sets coord_slot to what stands at position coord_at of coord_args; the last one may repeat.
__git_coord_position ()
{
	local rest=$coord_args n=$coord_at
	while [ "$n" -gt 0 ]; do
		case "$rest" in
		*" "*) rest=${rest#* } ;;
		*"*") break ;;
		*) rest=- ;;
		esac
		n=$((n - 1))
	done
	coord_slot=${rest%% *}
	coord_slot=${coord_slot%"*"}
}
