#!/bin/sh
# The manual pages say what the programs do: each configuration key with its default, each option, verb, event key, catalogue key
# and key of the tool's JSON; and the README counts right.
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
    config_folder=$(sed -n 's/^#define CONFIG_FOLDER "\([^"]*\)".*/\1/p' include/mailwhy/config.h)
    cat "$@" | tr '\n' ' ' | sed "s|, CATALOG_DIR,|, \"$catalog_dir\",|g; s|, LOCAL_CATALOG_DIR,|, \"$config_folder/catalog\",|g; s/static cfg_opt_t /\\
&/g" | sed -n 's/^static cfg_opt_t \([a-z_]*\)\[\] = {\(.*\)CFG_END().*/\1 \2/p' | sed 's/CFG_/\
&/g' | awk '
        !/^CFG_/ { table = $1; next }
        {
            type = $0; sub(/\(.*/, "", type)
            rest = substr($0, length(type) + 2)
            key = rest; sub(/^"/, "", key); sub(/".*/, "", key)
            sub(/^"[^"]*", */, "", rest)
            sub(/, *CFGF_.*$/, "", rest)
            if (type == "CFG_SEC" && $0 ~ /CFGF_TITLE/) rest = rest "\ttitled"
            print table "\t" type "\t" key "\t" rest
        }'
}

# ---- Lint ---------------------------------------------------------------------------------------------------------------------

pages='milter/daemon/mailwhyd.8 milter/cli/mailwhy.1 conf/mailwhy.conf.5 conf/mailwhy-catalog.5 conf/mailwhy-events.5
    conf/postfix/mailwhy-postfix.7 conf/sendmail/mailwhy-sendmail.7'
for page in $pages; do
    complaints=$(mandoc -T lint -W warning "$page" 2>&1)
    [ -z "$complaints" ]
    result $? "mandoc finds nothing wrong in $page${complaints:+: $complaints}"
    render "$page" >"$work/$(basename "$page")"
done

# ---- Configuration ------------------------------------------------------------------------------------------------------------

options_of milter/daemon/config.c >"$work/config"
awk -F '\t' '$2 == "CFG_SEC" { print $4 "\t" $3 ($5 ? " NAME" : "") }' "$work/config" >"$work/sections"
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
    case $section in
    *" NAME") # any number of them: the file has one as an example
        grep -qE "^# +$key = " conf/mailwhy.conf
        result $? "conf/mailwhy.conf shows $section $key"
        continue
        ;;
    esac
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

# The options that a page's synopsis gives a verb.
options_of_verb() { # PAGE VERB
    awk -v verb="$2" '
        /^\.Sh / { synopsis = $2 == "SYNOPSIS" }
        /^\.Nm/ { mine = 0 }
        $0 == ".Cm " verb { mine = 1 }
        synopsis && mine && /^\.Op Fl / { print "-" $3 }' "$1" | sort -u
}

# Each option of the first file stands in the second.
options_compare() { # FILE FILE WHAT
    while read -r option; do
        grep -qxe "$option" "$2"
        result $? "$3 has the option $option"
    done <"$1"
}

for page in milter/cli/mailwhy.1 milter/daemon/mailwhyd.8; do
    sed -n '/^\.Sh EXIT STATUS/,/^\.Sh /s/^\.It \([0-9][0-9]*\)$/\1/p' "$page" >"$work/statuses"
    [ -s "$work/statuses" ] && sort -nuc "$work/statuses" 2>/dev/null
    result $? "$page has each exit status once, in their order"
done

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
    grep -qx "\.Cm $verb" milter/cli/mailwhy.1 && grep -qx "\.Ss $verb" milter/cli/mailwhy.1
    result $? "mailwhy.1 has the verb $verb in its synopsis, and under a heading"
    "$build/mailwhy" "$verb" --help >"$work/help" 2>&1
    result $? "mailwhy $verb prints its usage"
    sed -i 's/mailwhyd -[a-z]//' "$work/help" # an option of another program
    options_used "$work/help" >"$work/used"
    options_of_verb milter/cli/mailwhy.1 "$verb" >"$work/listed"
    options_compare "$work/used" "$work/listed" "mailwhy.1, verb $verb,"
    [ -s "$work/used" ] && cmp -s "$work/used" "$work/listed"
    result $? "mailwhy.1 gives the verb $verb no option that it does not take"
    cat "$work/help" >>"$work/usage"
done <"$work/verbs"
sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/s/^\.Cm \([a-z]*\)$/\1/p' milter/cli/mailwhy.1 | cmp -s "$work/verbs" -
result $? "mailwhy.1 has the verbs in their order, and no others"
options_used "$work/usage" >"$work/used"
options_listed milter/cli/mailwhy.1 >"$work/listed"
options_compare "$work/used" "$work/listed" mailwhy.1
grep -vx -e '-[hV]' "$work/listed" | cmp -s "$work/used" - # the usage leaves these short forms out
result $? "mailwhy.1 has no option that does not exist"

# ---- The tool's JSON -------------------------------------------------------------------------------------------------------------

# What stands under a heading of a page: from ".Sh NAME" or ".Ss NAME" to the next heading.
under() { # PAGE NAME
    awk -v name="$2" '/^\.S[hs] / { on = substr($0, 5) == name; next } on' "$1"
}

under milter/cli/mailwhy.1 JSON >"$work/json-page"
grep -ohE 'json_(add_key|put_[a-z]+)\(out, "[a-z_]+"' milter/cli/answer.c | sed 's/.*"\(.*\)"/\1/' >"$work/json-explain"
sed -n 's/^ *{*{"\([a-z]*\)", [a-z].*/\1/p' milter/cli/list.c >"$work/json-lists"
grep -ohE '\\"[a-z_]+\\":' milter/cli/codes.c milter/cli/reasons.c milter/cli/ref.c milter/cli/check.c | tr -d '\\":' >>"$work/json-lists"
grep -ohE '(add|json_put)_[a-z]+\(&?out, "[a-z_]+"' milter/cli/wire_view.c milter/cli/wire_sendmail.c | sed 's/.*"\(.*\)"/\1/' >"$work/json-wire"
grep -ohE 'json_(add_key|put_[a-z]+)\(out, "[a-z_]+"' milter/cli/probe_json.c | sed 's/.*"\(.*\)"/\1/' >"$work/json-probe"
for keys in json-explain json-lists json-wire json-probe; do
    [ "$(sort -u "$work/$keys" | wc -l)" -gt 10 ]
    result $? "the keys of $keys can be read"
    sort -u "$work/$keys" >"$work/keys"
    while read -r key; do
        grep -qE "^\.(It )?Ic (.* )?$key( |\$)" "$work/json-page"
        result $? "mailwhy.1 has the JSON key $key"
    done <"$work/keys"
done
sed -n '/^static const struct {/,/^};/p; /^static enum word rule_of/,/^}/p' milter/cli/answer.c |
    grep -oE '"[a-z-]+"' | tr -d '"' | sort -u >"$work/rules"
[ -s "$work/rules" ]
result $? "the names of rules can be read"
while read -r rule; do
    grep -qE "^\.Ql $rule( |\$)" "$work/json-page"
    result $? "mailwhy.1 has the rule $rule"
done <"$work/rules"

# What --check finds has its line in the page.
grep -ohE '"[a-z]+(-[a-z]+)+"' milter/cli/wire_check.c milter/cli/wire_reach.c | tr -d '"' | sort -u >"$work/keys"
[ "$(wc -l <"$work/keys")" -gt 10 ]
result $? "the faults of wire can be read"
under conf/postfix/mailwhy-postfix.7 DIAGNOSTICS >"$work/faults-page"
while read -r key; do
    grep -qE "^\.It Ic (.* )?$key( |\$)" "$work/faults-page"
    result $? "mailwhy-postfix.7 has the fault $key"
done <"$work/keys"

# ---- Events -------------------------------------------------------------------------------------------------------------------

sed -n 's/^ *ROW("\([a-z_]*\)".*/\1/p' milter/event/event_fields.c >"$work/keys"
awk '/^\.Sh / { keys = $2 == "KEYS" } keys && /^\.It Ic / { print $3 }' conf/mailwhy-events.5 >"$work/event-keys"
while read -r key; do
    grep -qx "$key" "$work/event-keys"
    result $? "mailwhy-events.5 has the event key $key"
done <"$work/keys"
[ -s "$work/keys" ] && cmp -s "$work/keys" "$work/event-keys"
result $? "mailwhy-events.5 has the event keys of milter/event, in their order, and no others"

# ---- Metrics ------------------------------------------------------------------------------------------------------------------

grep -ohE '"(mailwhy|process)_[a-z_]+"' milter/mta/metrics_text.c | tr -d '"' | sort -u >"$work/keys"
[ "$(wc -l <"$work/keys")" -gt 10 ]
result $? "the names of metrics can be read"
under milter/daemon/mailwhyd.8 METRICS | sed -n 's/^\.It Ic //p' | tr -s ' ,' '\n' | sort -u >"$work/metrics-page"
while read -r name; do
    grep -qx "$name" "$work/metrics-page"
    result $? "mailwhyd.8 has the metric $name"
done <"$work/keys"
cmp -s "$work/keys" "$work/metrics-page"
result $? "mailwhyd.8 has no metric that does not exist"
for label in $(sed -n '/names\[FAULT_COUNT\]/,/};/p' milter/mta/metrics_text.c | grep -oE '"[a-z_]+"' | tr -d '"'); do
    under milter/daemon/mailwhyd.8 METRICS | grep -qx "\.Ql $label\( ,\)\{0,1\}"
    result $? "mailwhyd.8 has the fault $label"
done

# ---- Catalogue ----------------------------------------------------------------------------------------------------------------

# What each file takes, by the source that reads it and the heading in the page: sections as ".Ql NAME TITLE {" or as items, keys as items.
while read -r source heading; do
    under conf/mailwhy-catalog.5 "$heading" >"$work/catalog-page"
    grep -ohE '(CFG_[A-Z_]+|ENTRIES)\("[a-z_]+"' "$source" | sed 's/(/ /; s/"//g' | sort -u >"$work/catalog-keys"
    [ -s "$work/catalog-keys" ]
    result $? "the keys of $heading can be read in $source"
    while read -r type key; do
        case $type in
        CFG_SEC | ENTRIES) grep -qE "^\.(It Ic $key|Ql $key .*\{.*)( |\$)" "$work/catalog-page" ;;
        *) grep -qx "\.It Ic $key" "$work/catalog-page" ;;
        esac
        result $? "mailwhy-catalog.5 has the key $key of $heading"
    done <"$work/catalog-keys"
    grep -vE '^(CFG_SEC|ENTRIES) ' "$work/catalog-keys" | cut -d ' ' -f 2 | sort -u >"$work/keys"
    sed -n 's/^\.It Ic \([a-z_]*\)$/\1/p' "$work/catalog-page" | grep -vx variant | sort -u | cmp -s "$work/keys" -
    result $? "mailwhy-catalog.5 has no key of $heading that does not exist"
done <<'END'
milter/catalog/load_codes.c codes.conf
milter/catalog/load_reasons.c reasons.conf
milter/catalog/load_lists.c lists.conf
milter/catalog/load_text.c text/LANG.conf
END
for source in milter/catalog/*.c; do
    grep -q 'static cfg_opt_t' "$source" || continue
    case $source in
    */load_codes.c | */load_reasons.c | */load_lists.c | */load_text.c) true ;;
    *) false ;;
    esac
    result $? "the keys of $source are looked for"
done

sed -n 's/^ *X([A-Z0-9_]*, "\([a-z0-9-]*\)").*/\1/p' include/mailwhy/words.h >"$work/words"
[ -s "$work/words" ] && [ "$(wc -l <"$work/words")" -eq "$(grep -c '^ *X(' include/mailwhy/words.h)" ]
result $? "the words can be read"
under conf/mailwhy-catalog.5 Words | sed -n 's/^\.It Ic //p' | tr -s ' ,' '\n' >"$work/words-page"
while read -r word; do
    grep -qxF "$word" "$work/words-page"
    result $? "mailwhy-catalog.5 has the word $word"
done <"$work/words"
sort "$work/words" >"$work/keys"
sort "$work/words-page" | cmp -s "$work/keys" -
result $? "mailwhy-catalog.5 has no word that does not exist"

for condition in $(sed -n '/condition_names\[\] = {/,/};/p' milter/catalog/load_text.c | grep -oE '"[a-z-]+"' | tr -d '"'); do
    grep -qx "\.It Cm $condition" conf/mailwhy-catalog.5
    result $? "mailwhy-catalog.5 has the condition $condition"
done
for name in $(sed -n 's/^static const char \*const placeholders\[\] = {\(.*\)};/\1/p' milter/catalog/load_text.c | tr -d '",'); do
    grep -qx "\.It Ql %$name" conf/mailwhy-catalog.5
    result $? "mailwhy-catalog.5 has the placeholder %$name"
done

(cd conf/catalog/text && ls -- *.conf) | sed 's/\.conf$//' | sort >"$work/languages"
under conf/mailwhy-catalog.5 Languages | sed -n 's/^\.It Ql //p' | sort | cmp -s "$work/languages" -
result $? "mailwhy-catalog.5 has each language of the catalogue, and no others"

# ---- README -------------------------------------------------------------------------------------------------------------------

sed -n 's/.*conf\/catalog.: \([0-9]*\) reasons, in \([0-9]*\) languages.*/\1 \2/p' README.md >"$work/counts"
echo "$(grep -c '^reason ' conf/catalog/reasons.conf) $(wc -l <"$work/languages")" | cmp -s "$work/counts" -
result $? "README.md says how many reasons and languages there are"
tr '\n' ' ' <README.md | sed -n 's/.*language where the catalogue has it: \([^.]*\)\..*/\1/p' | grep -oE '\([a-zA-Z-]+\)' | tr -d '()' |
    sort | cmp -s "$work/languages" -
result $? "README.md names each language of the catalogue, and no others"
for path in $(grep -oE '\]\([^)]*\)' README.md | tr -d '])('); do
    [ -e "$path" ]
    result $? "README.md points to $path, which is there"
done
sed -n 's/^    \$ .*mailwhy \([a-z]*\).*/\1/p' README.md >"$work/used"
while read -r verb; do
    grep -qx "$verb" "$work/verbs"
    result $? "README.md uses a verb that is there: $verb"
done <"$work/used"
COLUMNS=80 LC_ALL=C "$build/mailwhy" explain --catalog conf/catalog '535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6' >"$work/shown"
sed -n '/^    \$ mailwhy explain .535/,/^    \$ grep/p' README.md | sed '1d;$d; s/^    //' | sed '$d' | cmp -s "$work/shown" -
result $? "README.md shows what mailwhy explain prints"

echo "1..$number"
[ "$failed" -eq 0 ]
