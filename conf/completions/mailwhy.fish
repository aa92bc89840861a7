# fish completion for mailwhy(1). Goes to /usr/share/fish/vendor_completions.d/ or ~/.config/fish/completions/.
# Verbs and options are those of the program's own help, reasons and codes those of its catalogue.

# Lines of the program's output; nothing where there is no such program.
function __mailwhy_say
    command -q mailwhy; and command mailwhy $argv 2>/dev/null </dev/null
end

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
    __mailwhy_say reasons --json (__mailwhy_passed) |
        string replace -rf '^\{"reason":"([^"]*)".*"name":"((?:[^"\\\\]|\\\\.)*)".*' '$1\t$2'
end

# X.7.8 stands for 4.7.8 and 5.7.8.
function __mailwhy_codes
    for line in (__mailwhy_say codes --json (__mailwhy_passed))
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

function __mailwhy_folders
    __fish_complete_directories (commandline -ct | string replace -r '^--[a-z-]+=' '') folder
end

complete -c mailwhy -f
complete -c mailwhy -n __mailwhy_no_verb -l help -d 'say what there is'
complete -c mailwhy -n __mailwhy_no_verb -l version -d 'say the version'

for line in (__mailwhy_say --help)
    set -l verb (string match -r '^  ([a-z]+)  +(.*)' -- $line)
    set -q verb[3]; or continue
    complete -c mailwhy -n __mailwhy_no_verb -a $verb[2] -d $verb[3]
    set -l is "__mailwhy_verb $verb[2]"
    complete -c mailwhy -n $is -l help -d 'say what there is'
    set -l help (__mailwhy_say $verb[2] --help)
    # The options and what their values are stand in the usage: "[--json]", "[--lang LANG]", "[--color=auto|always|never]".
    set -l seen
    for option in (string match -ra -- '\[--?[a-z-]+[ =]?[^][ ]*' $help[1..(contains -i -- '' $help)])
        set -l name (string match -r -- '--?([a-z-]+)' $option)[2]
        contains -- $name $seen; and continue # the verb has two usages
        set -a seen $name
        set -l value (string replace -r -- '^\[--?[a-z-]+[ =]?' '' $option)
        set -l about (string replace -rf -- "^  --?$name(?: [A-Z]+)?  +(.*)" '$1' $help)
        if test (string length -- $name) -eq 1 # -c PATH
            complete -c mailwhy -n $is -s $name -d "$about[1]" -rF
            continue
        end
        set -q about[1]; or set about ''
        switch "$value"
            case ''
                complete -c mailwhy -n $is -l $name -d $about[1]
            case '*|*'
                complete -c mailwhy -n $is -l $name -d $about[1] -xa (string replace -a '|' ' ' -- $value)
            case LANG
                complete -c mailwhy -n $is -l $name -d $about[1] -xa '(__mailwhy_languages)'
            case DIR
                complete -c mailwhy -n $is -l $name -d $about[1] -xa '(__mailwhy_folders)'
            case FILE
                complete -c mailwhy -n $is -l $name -d $about[1] -rF
            case CODE
                complete -c mailwhy -n $is -l $name -d $about[1] -xa '(__mailwhy_codes)'
            case ID
                complete -c mailwhy -n $is -l $name -d $about[1] -xa '(__mailwhy_reasons)'
            case WHAT # one table: by reason, code or mta
                set -l tables (string replace -r '.* by ' '' -- $about[1] | string replace -a ',' '' | string replace ' or ' ' ')
                complete -c mailwhy -n $is -l $name -d $about[1] -xa "$tables"
            case '*'
                complete -c mailwhy -n $is -l $name -d $about[1] -x
        end
    end
end

complete -c mailwhy -n '__mailwhy_verb explain compare reasons' -a '(__mailwhy_reasons)'
complete -c mailwhy -n '__mailwhy_verb explain compare reasons codes' -a '(__mailwhy_codes)'
complete -c mailwhy -n '__mailwhy_verb wire' -a 'postfix sendmail'
complete -c mailwhy -n '__mailwhy_verb explain review watch' -F
