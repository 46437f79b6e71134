set -g __git_coord_place

# Whether the cache of the repository with common directory $argv[1] is as new as its refs. Starts no process. The
# cache is dated two seconds before it was read, so that a change within the same second counts as newer.
function __git_coord_fresh -a common
    test -f $common/coord/complete; and not test -L $common/coord/complete
    or return 1
    for each in refs refs/coord refs/coord/{tasks,sessions,locks,data} refs/coord-local/data packed-refs \
            reftable/tables.list
        if test -e $common/$each; and test $common/$each -nt $common/coord/complete
            return 1
        end
    end
    return 0
end

# The values of the kinds in $argv, with descriptions. They are data: fish quotes what it inserts.
function __git_coord_values
    set -l common (git $__git_coord_place rev-parse --path-format=absolute --git-common-dir 2>/dev/null)
    or return
    set -l wanted '^(?:'(string join '|' $argv)')\t([^-[:cntrl:]][^[:cntrl:]]*\t[^[:cntrl:]]*)$'
    if __git_coord_fresh $common
        string replace -f -r $wanted '$1' <$common/coord/complete
    else
        git $__git_coord_place coord complete 2>/dev/null | string replace -f -r $wanted '$1'
    end
end

function __git_coord_slot -a slot
    switch $slot
        case '=*'
            string split , -- (string sub -s 2 -- $slot)
        case verb
            __git_coord_abouts ''
        case ref
            git $__git_coord_place for-each-ref '--format=%(refname:short)' refs/heads refs/tags refs/remotes 2>/dev/null
        case remote
            git $__git_coord_place remote 2>/dev/null
        case dir
            __fish_complete_directories
        case file
            __fish_complete_path (commandline -ct)
        case - flag
        case '*,file'
            __git_coord_values (string split , -- (string replace ,file '' -- $slot))
            __fish_complete_path (commandline -ct)
        case '*'
            __git_coord_values (string split , -- $slot)
    end
end

# What option $argv[2] of the verb $argv[1] takes: a slot, or "flag". Fails where there is no such option.
function __git_coord_takes -a verb option
    set -l row (__git_coord_options $verb | string match -- "$option"\t'*')
    or return 1
    string split -f 2 \t -- $row[1]
end

function __git_coord_position -a at
    set -l args $argv[2..]
    if test $at -ge (count $args)
        string match -q '*\*' -- $args[-1]; or return
        set at (math (count $args) - 1)
    end
    __git_coord_slot (string replace -r '\*$' '' -- $args[(math $at + 1)])
end

function __git_coord_complete
    set -l tokens (commandline -opc)
    set -g __git_coord_place
    if string match -q '*git-coord' -- $tokens[1]
        set -e tokens[1]
    else
        # git's own words before "coord"
        while set -q tokens[1]; and test $tokens[1] != coord
            test $tokens[1] = -C; and set -a __git_coord_place -C $tokens[2]; and set -e tokens[1]
            set -e tokens[1]
        end
        set -e tokens[1]
    end
    set -l state verbs
    set -l verb ''
    set -l at 0
    set -l takes ''
    for word in $tokens
        if test -n "$takes"
            set takes ''
            continue
        end
        switch "$state:$word"
            case 'rest:--'
                set state words
            case 'words:*'
                set at (math $at + 1)
            case '*:-?*'
                set takes (__git_coord_takes "$verb" $word | string match -v flag)
            case 'verbs:*'
                set verb $word
                set state seconds
                contains -- $verb $__git_coord_single; and set state rest
            case 'seconds:*'
                set verb "$verb $word"
                set state rest
            case '*'
                if test $at -eq 0; and __git_coord_options "$verb $word" | string match -q '*'
                    set verb "$verb $word"
                else
                    set at (math $at + 1)
                end
        end
    end
    set -l current (commandline -ct)
    if test -n "$takes"
        __git_coord_slot $takes
    else if test $state != words -a $state != seconds; and string match -q -- '--*=*' $current
        set -l option (string split -m 1 = -- $current)[1]
        set -l slot (__git_coord_takes "$verb" $option)
        and __git_coord_slot $slot | string replace -r '^' -- "$option="
    else if test $state != words -a $state != seconds; and string match -q -- '-*' $current
        __git_coord_options "$verb" | string replace -r '\t[^\t]*\t' \t
    else if contains $state verbs seconds
        __git_coord_abouts "$verb"
    else
        __git_coord_position $at (__git_coord_args "$verb")
    end
end

complete -c git-coord -e
complete -c git-coord -f -a '(__git_coord_complete)'
