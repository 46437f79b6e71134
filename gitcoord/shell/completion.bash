# Adds $1 to COMPREPLY where it continues the current word. A candidate arrives as data and leaves quoted.
__git_coord_offer ()
{
	local quoted
	case "$1" in
	'' | -* | *[[:cntrl:]]*) return 0 ;;
	esac
	case "$coord_cur" in
	[\'\"]*)
		# readline keeps the open quote: only what means the same inside of it can follow
		case "$1" in
		*[\'\"\\\$\`\!]*) return 0 ;;
		"${coord_cur#?}"*) COMPREPLY[${#COMPREPLY[@]}]=$1 ;;
		esac
		return 0
		;;
	esac
	printf -v quoted '%q' "$1"
	if [[ $quoted == "$coord_cur"* ]]; then
		quoted=${quoted#"$coord_skip"}
	elif [[ $1 == "$coord_cur"* ]]; then
		printf -v quoted '%q' "${1#"$coord_skip"}"
	else
		return 0
	fi
	COMPREPLY[${#COMPREPLY[@]}]=$coord_prefix$quoted' '
}

# readline replaces only what follows the last colon: sets coord_skip to what stands before.
__git_coord_colon ()
{
	coord_skip=''
	if [[ $COMP_WORDBREAKS == *:* && $coord_cur == *:* ]]; then
		coord_skip=${coord_cur%"${coord_cur##*:}"}
	fi
}

# Adds the words of $1, which come from the table above and not from anybody else.
__git_coord_words ()
{
	local word
	for word in $1; do
		case "$word" in
		"$coord_cur"*) COMPREPLY[${#COMPREPLY[@]}]=$coord_prefix${word#"$coord_skip"}' ' ;;
		esac
	done
}

# Adds the values of the kinds $1 (task,session,...).
__git_coord_values ()
{
	local line value kinds=$1 coord_lines
	__git_coord_read
	# split at once: "read" would fetch every byte by itself
	local IFS=$'\n' glob=$-
	set -f
	for line in $coord_lines; do
		case ",$kinds," in
		*",${line%%$'\t'*},"*)
			value=${line#*$'\t'}
			__git_coord_offer "${value%%$'\t'*}"
			;;
		esac
	done
	[[ $glob == *f* ]] || set +f
}

__git_coord_names ()
{
	local name
	while IFS= read -r name; do
		__git_coord_offer "$name"
	done <<<"$(__git_coord_git "$@")"
}

# Files are left to readline, which knows how to quote them: no candidates, and "-o default" stands in.
__git_coord_slot ()
{
	case "$1" in
	'='*) local IFS=,; __git_coord_words "${1#=}" ;;
	verb) __git_coord_words "$__git_coord_verbs" ;;
	ref) __git_coord_names for-each-ref '--format=%(refname:short)' refs/heads refs/tags refs/remotes ;;
	remote) __git_coord_names remote ;;
	- | flag | file | dir) ;;
	*) __git_coord_values "$1" ;;
	esac
}

__git_coord_complete ()
{
	local coord_verb coord_opts coord_state coord_args coord_at coord_slot
	local coord_cur=$cur coord_skip='' coord_prefix='' IFS=$' \t\n'
	__git_coord_parse "$1" || return 0
	case "$coord_state:$cur" in
	rest:--*=* | verbs:--*=*)
		__git_coord_option "${cur%%=*}" || return 0
		coord_cur=${cur#*=}
		[[ $COMP_WORDBREAKS == *=* ]] || coord_prefix="${cur%%=*}="
		coord_state=value
		;;
	rest:-* | verbs:-*)
		local option
		for option in $coord_opts; do
			__git_coord_words "${option%%=*}"
		done
		return 0
		;;
	esac
	__git_coord_colon
	case "$coord_state" in
	verbs) __git_coord_words "$__git_coord_verbs" ;;
	seconds) __git_coord_seconds "$coord_verb"; __git_coord_words "$coord_args" ;;
	value) __git_coord_slot "$coord_slot" ;;
	*) __git_coord_position; __git_coord_slot "$coord_slot" ;;
	esac
}

# Called by git's own completion for "git coord", with words, cword and cur set.
_git_coord ()
{
	local at=2
	if [ -n "${__git_cmd_idx-}" ]; then
		at=$((__git_cmd_idx + 1))
	else
		for ((at = 1; at < cword; at++)); do
			[ "${words[at]}" != coord ] || break
		done
		at=$((at + 1))
	fi
	__git_coord_complete "$at"
}

# Sets words, cword and cur, with what readline takes apart at colons and equals signs together again.
__git_coord_start ()
{
	COMPREPLY=()
	if declare -f _get_comp_words_by_ref >/dev/null; then
		_get_comp_words_by_ref -n =: cur words cword
		return
	fi
	local i glue=''
	words=() cword=-1
	for ((i = 0; i <= COMP_CWORD; i++)); do
		if [[ $cword -gt 0 && (-n $glue || ${COMP_WORDS[i]} == [:=]*) ]]; then
			words[cword]=${words[cword]}${COMP_WORDS[i]}
		else
			cword=$((cword + 1))
			words[cword]=${COMP_WORDS[i]}
		fi
		glue=''
		[[ ${COMP_WORDS[i]} != *[:=] ]] || glue=yes
	done
	cur=${words[cword]}
}

__git_coord_main ()
{
	local cur words cword
	__git_coord_start
	__git_coord_complete 1
}

__git_coord_jump_main ()
{
	local cur words cword coord_cur coord_skip coord_prefix=''
	__git_coord_start
	coord_cur=$cur
	__git_coord_colon
	__git_coord_values place
}

complete -o bashdefault -o default -o nospace -F __git_coord_main git-coord
complete -o nospace -F __git_coord_jump_main @JUMP@
