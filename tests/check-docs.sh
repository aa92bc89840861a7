#!/bin/sh
# The manual pages say what the programs do: each configuration key with its default, each option, verb, event key and catalogue key.
# From the top of the tree: tests/check-docs.sh [BUILD]. Prints "ok N - what" or "not ok N - what".
set -u
LC_ALL=C
export LC_ALL
build=${1:-build}
number=0 failed=0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

result() { # STATUS WHAT: 0 is good
    number=$((number + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $number - $2"
    else
        echo "not ok $number - $2"
        failed=$((failed + 1))
    fi
}

# The page as plain text, each line without the blanks around it.
render() { # PAGE
    mandoc -T ascii -O width=250 "$1" | sed "s/.$(printf '\b')//g; s/^ *//; s/ *\$//"
}

# What a table of libconfuse options has, one line each: "TABLE TYPE KEY DEFAULT" with tabs between. Macros are filled in.
options_of() { # FILE...
    catalog_dir=$(sed -n 's/^#define CATALOG_DIR "\([^"]*\)".*/\1/p' include/mailwhy/catalog_dir.h)
    cat "$@" | tr '\n' ' ' | sed "s|, CATALOG_DIR,|, \"$catalog_dir\",|g; s/static cfg_opt_t /\\
&/g" | sed -n 's/^static cfg_opt_t \([a-z_]*\)\[\] = {\(.*\)CFG_END().*/\1 \2/p' | sed 's/CFG_/\
&/g' | awk '
        !/^CFG_/ { table = $1; next }
        {
            type = $0; sub(/\(.*/, "", type)
            rest = substr($0, length(type) + 2)
            key = rest; sub(/^"/, "", key); sub(/".*/, "", key)
            sub(/^"[^"]*", */, "", rest)
            sub(/, *CFGF_.*$/, "", rest)
            print table "\t" type "\t" key "\t" rest
        }'
}

# ---- Lint ---------------------------------------------------------------------------------------------------------------------

pages='milter/daemon/mailwhyd.8 milter/cli/mailwhy.1 conf/mailwhy.conf.5 conf/mailwhy-catalog.5 conf/mailwhy-events.5'
for page in $pages; do
    complaints=$(mandoc -T lint -W warning "$page" 2>&1)
    [ -z "$complaints" ]
    result $? "mandoc finds nothing wrong in $page${complaints:+: $complaints}"
    render "$page" >"$work/$(basename "$page")"
done

# ---- Configuration ------------------------------------------------------------------------------------------------------------

options_of milter/daemon/config.c >"$work/config"
awk -F '\t' '$2 == "CFG_SEC" { print $4 "\t" $3 }' "$work/config" >"$work/sections"
(echo options && cut -f 1 "$work/sections") | sort >"$work/tables"
cut -f 1 "$work/config" | sort -u | cmp -s - "$work/tables"
result $? "the options of milter/daemon/config.c are understood: each table is a section's"
grep -v '	CFG_SEC	' "$work/config" >"$work/keys-of-config"
while IFS='	' read -r table type key default; do
    section=$(sed -n "s/^$table	//p" "$work/sections")
    if [ "$type" = CFG_STR_LIST ]; then # "{\"a\"}" in C is {"a"} in the file
        default=$(printf '%s\n' "$default" | sed 's/^"//; s/"$//; s/\\"/"/g')
    fi
    line="$key = $default"
    grep -qxF "${section:+$section { }$line${section:+ \}}" "$work/mailwhy.conf.5"
    result $? "mailwhy.conf.5 has ${section:+$section }$key with its default $default"
    awk -v section="$section" -v line="#$line" '
        /^[a-z_]+ \{$/ { within = $1 }
        /^}/ { within = "" }
        { text = $0; sub(/^ */, "", text) }
        text == line && within == section { found = 1 }
        END { exit !found }' conf/mailwhy.conf
    result $? "conf/mailwhy.conf has ${section:+$section }$key with its default $default"
done <"$work/keys-of-config"

# And nothing that does not exist.
sed -n 's/^\.It Ic \(.*\) = .*/\1/p' conf/mailwhy.conf.5 | sed 's/ { / /' | sort >"$work/documented"
awk -F '\t' 'NR == FNR { section[$1] = $2; next } { print (section[$1] ? section[$1] " " : "") $3 }' \
    "$work/sections" "$work/keys-of-config" | sort | cmp -s - "$work/documented"
result $? "mailwhy.conf.5 has no key that does not exist"

# ---- Options and verbs --------------------------------------------------------------------------------------------------------

# The options that a usage names.
options_used() { # FILE
    grep -oE '(^|[^A-Za-z0-9-])--?[A-Za-z][A-Za-z-]*' "$1" | grep -oE -- '--?[A-Za-z][A-Za-z-]*$' | sort -u
}

# The options that a page has items for: in ".It Fl t , -test" each word that Fl rules.
options_listed() { # PAGE
    awk '/^\.It Fl / {
        for (i = 2; i <= NF; i++) {
            if ($i ~ /^(Fl|Ar|Ns|Cm)$/) { rules = $i == "Fl"; continue }
            if (rules && $i != ",") print "-" $i
        }
    }' "$1" | sort -u
}

# Each option of the first file stands in the second.
options_compare() { # FILE FILE WHAT
    while read -r option; do
        grep -qxe "$option" "$2"
        result $? "$3 has the option $option"
    done <"$1"
}

"$build/mailwhyd" --help >"$work/usage" 2>&1
result $? "$build/mailwhyd prints its usage"
options_used "$work/usage" >"$work/used"
options_listed milter/daemon/mailwhyd.8 >"$work/listed"
options_compare "$work/used" "$work/listed" mailwhyd.8
cmp -s "$work/used" "$work/listed"
result $? "mailwhyd.8 has no option that does not exist"

"$build/mailwhy" --help >"$work/usage" 2>&1
result $? "$build/mailwhy prints its usage"
sed -n 's/^  \([a-z][a-z]*\)  .*/\1/p' "$work/usage" >"$work/verbs"
[ -s "$work/verbs" ]
result $? "mailwhy names its verbs"
while read -r verb; do
    grep -qx "\.Cm $verb" milter/cli/mailwhy.1
    result $? "mailwhy.1 has the verb $verb"
    "$build/mailwhy" "$verb" --help >>"$work/usage" 2>&1
    result $? "mailwhy $verb prints its usage"
done <"$work/verbs"
options_used "$work/usage" >"$work/used"
options_listed milter/cli/mailwhy.1 >"$work/listed"
options_compare "$work/used" "$work/listed" mailwhy.1
grep -vx -e '-.' "$work/listed" | cmp -s "$work/used" - # the usage leaves the short forms out
result $? "mailwhy.1 has no option that does not exist"

# ---- Events -------------------------------------------------------------------------------------------------------------------

sed -n 's/^ *ROW("\([a-z_]*\)".*/\1/p' milter/event/event_fields.c >"$work/keys"
awk '/^\.Sh / { keys = $2 == "KEYS" } keys && /^\.It Ic / { print $3 }' conf/mailwhy-events.5 >"$work/event-keys"
while read -r key; do
    grep -qx "$key" "$work/event-keys"
    result $? "mailwhy-events.5 has the event key $key"
done <"$work/keys"
[ -s "$work/keys" ] && cmp -s "$work/keys" "$work/event-keys"
result $? "mailwhy-events.5 has the event keys of milter/event, in their order, and no others"

# ---- Catalogue ----------------------------------------------------------------------------------------------------------------

options_of milter/catalog/load.c milter/catalog/load_text.c | cut -f 3 | sort -u >"$work/catalog-keys"
[ -s "$work/catalog-keys" ]
result $? "the options of milter/catalog can be read"
while read -r key; do
    case $key in
    code) grep -q '^\.Ql code 535 {' conf/mailwhy-catalog.5 ;;
    *) grep -qx "\.It Ic $key" conf/mailwhy-catalog.5 ;;
    esac
    result $? "mailwhy-catalog.5 has the key $key"
done <"$work/catalog-keys"
for condition in $(sed -n '/condition_names\[\] = {/,/};/p' milter/catalog/load_text.c | grep -oE '"[a-z-]+"' | tr -d '"'); do
    grep -qx "\.It Cm $condition" conf/mailwhy-catalog.5
    result $? "mailwhy-catalog.5 has the condition $condition"
done
for name in $(sed -n 's/^static const char \*const placeholders\[\] = {\(.*\)};/\1/p' milter/catalog/load_text.c | tr -d '",'); do
    grep -qx "\.It Ql %$name" conf/mailwhy-catalog.5
    result $? "mailwhy-catalog.5 has the placeholder %$name"
done

echo "1..$number"
[ "$failed" -eq 0 ]
