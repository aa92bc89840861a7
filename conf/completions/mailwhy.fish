# fish completion for mailwhy(1). Goes to /usr/share/fish/vendor_completions.d/ or ~/.config/fish/completions/.
# Verbs and options are those of the program's own help, reasons and codes those of its catalogue.

# The words before the current one, and whether the first of them is one of the verbs.
function __mailwhy_verb --description 'Whether the verb is one of these'
    set -l words (commandline -opc)
    set -q words[2]; and contains -- $words[2] $argv
end

function __mailwhy_no_verb --description 'Whether the verb is still to come'
    set -l words (commandline -opc)
    not set -q words[2]
end

# The value of an option in the words before the current one.
function __mailwhy_given --argument-names option
    set -l words (commandline -opc)
    set -l value
    for i in (seq (count $words))
        if test "$words[$i]" = "$option"
            set -q words[(math $i + 1)]; and set value $words[(math $i + 1)]
        else if string match -q -- "$option=*" $words[$i]
            set value (string replace -- "$option=" '' $words[$i])
        end
    end
    test -n "$value"; and string replace -r '^~/' "$HOME/" -- $value
end

# The options that say which catalogue it is.
function __mailwhy_passed
    for option in --catalog --config
        set -l value (__mailwhy_given $option)
        test -n "$value"; and printf '%s\n' $option $value
    end
end

function __mailwhy_reasons
    mailwhy reasons --json (__mailwhy_passed) 2>/dev/null </dev/null |
        string replace -rf '^\{"reason":"([^"]*)".*"name":"((?:[^"\\\\]|\\\\.)*)".*' '$1\t$2'
end

# X.7.8 stands for 4.7.8 and 5.7.8.
function __mailwhy_codes
    for line in (mailwhy codes --json (__mailwhy_passed) 2>/dev/null </dev/null)
        set -l found (string match -r '^\{"(?:code|enhanced)":"?([0-9X.]+)"?,.*"name":"((?:[^"\\\\]|\\\\.)*)"' -- $line)
        set -q found[3]; or continue
        if string match -q 'X*' $found[2]
            printf '%s\t%s\n' (string replace X 4 $found[2]) $found[3] (string replace X 5 $found[2]) $found[3]
        else
            printf '%s\t%s\n' $found[2] $found[3]
        end
    end
end

# The languages in text/ of the catalogue: of --catalog, $MAILWHY_CATALOG, or the configuration.
function __mailwhy_languages
    set -l dirs (__mailwhy_given --catalog)
    if test -z "$dirs" -a -n "$MAILWHY_CATALOG"
        set dirs $MAILWHY_CATALOG
    end
    if test -z "$dirs"
        set -l config (__mailwhy_given --config)
        test -n "$config"; or set config /etc/mailwhy/mailwhy.conf
        set dirs /usr/share/mailwhy/catalog /etc/mailwhy/catalog
        test -r $config; and set -a dirs (string replace -rf '^\s*(?:local_)?catalog\s*=\s*"([^"]*)".*' '$1' <$config)
    end
    for dir in $dirs
        for file in $dir/text/*.conf
            string replace -r '.*/(.*)\.conf$' '$1' -- $file
        end
    end
end

complete -c mailwhy -f
complete -c mailwhy -n __mailwhy_no_verb -l help -d 'say what there is'
complete -c mailwhy -n __mailwhy_no_verb -l version -d 'say the version'

for line in (mailwhy --help 2>/dev/null </dev/null)
    set -l verb (string match -r '^  ([a-z]+)  +(.*)' -- $line)
    set -q verb[3]; or continue
    complete -c mailwhy -n __mailwhy_no_verb -a $verb[2] -d $verb[3]
    set -l is "__mailwhy_verb $verb[2]"
    complete -c mailwhy -n $is -l help -d 'say what there is'
    set -l help (mailwhy $verb[2] --help 2>/dev/null </dev/null)
    for line in $help
        set -l option (string match -r '^  --([a-z-]+)(?: ([A-Z]+))?  +(.*)' -- $line)
        set -q option[4]; or continue
        switch $option[3]
            case ''
                complete -c mailwhy -n $is -l $option[2] -d $option[4]
            case LANG
                complete -c mailwhy -n $is -l $option[2] -d $option[4] -xa '(__mailwhy_languages)'
            case DIR
                complete -c mailwhy -n $is -l $option[2] -d $option[4] -xa '(__fish_complete_directories)'
            case WHEN
                set -l values (string match -r -- '--color=([a-z|]+)' $help)[2]
                complete -c mailwhy -n $is -l $option[2] -d $option[4] -xa (string replace -a '|' ' ' $values)
            case '*'
                complete -c mailwhy -n $is -l $option[2] -d $option[4] -rF
        end
    end
end

complete -c mailwhy -n '__mailwhy_verb explain compare reasons' -a '(__mailwhy_reasons)'
complete -c mailwhy -n '__mailwhy_verb explain compare reasons codes' -a '(__mailwhy_codes)'
complete -c mailwhy -n '__mailwhy_verb explain' -F
