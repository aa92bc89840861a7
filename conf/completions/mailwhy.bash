# bash completion for mailwhy(1). Goes to /usr/share/bash-completion/completions/mailwhy; or source it in ~/.bashrc.
# Verbs and options are those of the program's own help, reasons and codes those of its catalogue.

# Lines of the program's output; nothing where there is no such program.
_mailwhy_say() { # PROGRAM WORD...
    "$@" 2>/dev/null </dev/null
}

_mailwhy_verbs() { # PROGRAM
    _mailwhy_say "$1" --help | sed -n 's/^  \([a-z][a-z]*\)  .*/\1/p'
}

# The options of a verb's usage, one a line, each with what its value is: "--json", "--lang LANG", "--color=auto|always|never".
_mailwhy_usage() { # PROGRAM VERB
    _mailwhy_say "$1" "$2" --help | sed '/^$/q' | grep -o '\[-[a-z-]*[ =]\{0,1\}[^] []*' | tr -d '[' | sort -u
}

_mailwhy_options() { # PROGRAM VERB
    _mailwhy_usage "$1" "$2" | sed 's/[ =].*//'
    echo --help
}

# What an option's value is: LANG, DIR, "auto|always|never" ...; nothing where it takes none.
_mailwhy_value() { # PROGRAM VERB OPTION
    _mailwhy_usage "$1" "$2" | sed -n "s/^$3[ =]//p"
}

# What there is for --by: "by reason, code or mta" in its line.
_mailwhy_tables() { # PROGRAM VERB
    _mailwhy_say "$1" "$2" --help | sed -n 's/^  --by WHAT .* by \(.*\)/\1/p' | sed 's/,/ /g; s/ or / /'
}

_mailwhy_reasons() { # PROGRAM OPTION...
    local program=$1
    _mailwhy_say "$program" reasons --json "${@:2}" | sed -n 's/^{"reason":"\([^"]*\)".*/\1/p'
}

# X.7.8 stands for 4.7.8 and 5.7.8.
_mailwhy_codes() { # PROGRAM OPTION...
    local program=$1
    _mailwhy_say "$program" codes --json "${@:2}" |
        sed -n 's/^{"code":\([0-9]*\).*/\1/p; s/^{"enhanced":"X\.\([^"]*\)".*/4.\1 5.\1/p; s/^{"enhanced":"\([^"]*\)".*/\1/p' |
        tr ' ' '\n' | sort -u
}

# The languages in text/ of the catalogue: of --catalog, $MAILWHY_CATALOG, or the configuration.
_mailwhy_languages() { # CATALOG CONFIG
    local config=${2:-/etc/mailwhy/mailwhy.conf} dir file
    local -a dirs=("${1:-${MAILWHY_CATALOG:-}}")
    if [[ -z ${dirs[0]} ]]; then
        dirs=(/usr/share/mailwhy/catalog /etc/mailwhy/catalog)
        while IFS= read -r dir; do
            dirs+=("$dir")
        done < <(sed -n 's/^[[:blank:]]*\(local_\)\{0,1\}catalog[[:blank:]]*=[[:blank:]]*"\([^"]*\)".*/\2/p' "$config" 2>/dev/null)
    fi
    for dir in "${dirs[@]}"; do
        for file in "$dir"/text/*.conf; do
            [[ -e $file ]] || continue
            file=${file##*/}
            echo "${file%.conf}"
        done
    done
}

# Offer the words that begin as the current one does. PREFIX stands before them in the same word.
_mailwhy_offer() { # PREFIX WORDS
    local -a found
    mapfile -t found < <(compgen -W "$2" -- "$cur")
    COMPREPLY+=("${found[@]/#/$1}")
}

_mailwhy_files() { # PREFIX -f|-d
    local -a found
    mapfile -t found < <(compgen "$2" -- "$cur")
    COMPREPLY+=("${found[@]/#/$1}")
    # readline adds the slash to a folder, and quotes; where nothing was found, as within quotes, it looks itself.
    compopt -o filenames -o default 2>/dev/null
}

_mailwhy() {
    local program=$1 cur=${COMP_WORDS[COMP_CWORD]} prefix='' option='' verb='' words=0 i word catalog='' config=''
    local -a passed=()
    COMPREPLY=()
    compopt +o default 2>/dev/null

    # "--color=al" is three words where "=" breaks words, else one.
    if [[ $cur =~ ^--[a-z-]+= ]]; then
        option=${cur%%=*} prefix=${cur%%=*}= cur=${cur#*=}
    elif [[ $cur == = ]]; then
        option=${COMP_WORDS[COMP_CWORD - 1]} cur=''
    elif ((COMP_CWORD > 1)) && [[ ${COMP_WORDS[COMP_CWORD - 1]} == = ]]; then
        option=${COMP_WORDS[COMP_CWORD - 2]}
    elif ((COMP_CWORD > 1)) && [[ ${COMP_WORDS[COMP_CWORD - 1]} =~ ^-[a-z-]+$ ]]; then
        option=${COMP_WORDS[COMP_CWORD - 1]}
    fi

    ((COMP_CWORD > 1)) && verb=${COMP_WORDS[1]}
    if [[ -z $verb ]]; then
        _mailwhy_offer '' "$(_mailwhy_verbs "$program") --help --version"
        return
    fi
    # A word that is no verb is not given to the program: it would only complain.
    [[ " $(_mailwhy_verbs "$program" | tr '\n' ' ')" == *" $verb "* ]] || return

    # The options that say which catalogue it is, and how many words stand before this one.
    for ((i = 2; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case $word in
        --catalog | --config)
            [[ ${COMP_WORDS[i + 1]} == = ]] && ((i++))
            ((++i < COMP_CWORD)) || break
            passed+=("$word" "${COMP_WORDS[i]/#\~\//$HOME/}")
            ;;
        --catalog=* | --config=*) passed+=("${word%%=*}" "${word#*=}") ;;
        --*=* | --json | --why | --explain | --help | --apply | --undo | --check | --postscreen | --no-reload) continue ;;
        -c | --*)
            [[ ${COMP_WORDS[i + 1]} == = ]] && ((i++))
            ((i++))
            continue
            ;;
        *) ((words++)) ;;
        esac
    done
    for ((i = 0; i < ${#passed[@]}; i += 2)); do
        case ${passed[i]} in
        --catalog) catalog=${passed[i + 1]} ;;
        --config) config=${passed[i + 1]} ;;
        esac
    done

    if [[ -n $option ]]; then
        word=$(_mailwhy_value "$program" "$verb" "$option")
        case $word in
        *'|'*) _mailwhy_offer "$prefix" "${word//|/ }" ;;
        CODE) _mailwhy_offer "$prefix" "$(_mailwhy_codes "$program" "${passed[@]}")" ;;
        ID) _mailwhy_offer "$prefix" "$(_mailwhy_reasons "$program" "${passed[@]}")" ;;
        WHAT) _mailwhy_offer "$prefix" "$(_mailwhy_tables "$program" "$verb")" ;;
        LANG) _mailwhy_offer "$prefix" "$(_mailwhy_languages "$catalog" "$config")" ;;
        DIR) _mailwhy_files "$prefix" -d ;;
        FILE | PATH) _mailwhy_files "$prefix" -f ;;
        '') option='' ;; # it takes no value: this is another word
        esac
        [[ -z $option && -z $prefix ]] || return
    fi
    if [[ $cur == -* ]]; then
        _mailwhy_offer '' "$(_mailwhy_options "$program" "$verb")"
        return
    fi
    case $verb in
    explain)
        _mailwhy_offer '' "$(_mailwhy_codes "$program" "${passed[@]}") $(_mailwhy_reasons "$program" "${passed[@]}")"
        _mailwhy_files '' -f
        ;;
    compare)
        ((words < 2)) &&
            _mailwhy_offer '' "$(_mailwhy_codes "$program" "${passed[@]}") $(_mailwhy_reasons "$program" "${passed[@]}")"
        ;;
    reasons) _mailwhy_offer '' "$(_mailwhy_reasons "$program" "${passed[@]}") $(_mailwhy_codes "$program" "${passed[@]}")" ;;
    codes) _mailwhy_offer '' "$(_mailwhy_codes "$program" "${passed[@]}")" ;;
    review | watch) _mailwhy_files '' -f ;;
    wire) ((words < 1)) && _mailwhy_offer '' 'postfix sendmail' ;;
    esac
}

complete -F _mailwhy mailwhy
