#!/bin/sh
# The rules of the house that a program can check. Prints what is wrong; exit status 1 where anything is.
# shellcheck disable=SC2013,SC2044 # the names of our files hold no blanks
set -u
wrong=0
fault() {
    echo "lint: $1"
    wrong=1
}

files=$(find milter include tests -name '*.[ch]')
# shellcheck disable=SC2086 # a list
clang-format --dry-run -Werror $files || fault "make format would change these"

# Each dependency is known in one room only.
only_in() { # HEADER PLACES...
    header=$1
    shift
    for file in $(grep -rl "#include <$header" milter include); do
        known=
        for place in "$@"; do
            case $file in "$place"*) known=yes ;; esac
        done
        [ -n "$known" ] || fault "$file includes <$header>, which belongs to: $*"
    done
}
only_in libmilter/ milter/mta/milter
only_in pcre2.h milter/catalog/pattern.c
only_in confuse.h milter/catalog/ milter/daemon/config.c include/mailwhy/conf_file.h
only_in openssl/ milter/event/ref.c milter/event/privacy_token.c milter/reply/challenge.c milter/catalog/load_version.c milter/cli/html.c milter/cli/tls.c milter/cli/probe_auth.c
only_in openssl/ssl.h milter/cli/tls.c
only_in systemd/ milter/daemon/ milter/event/follow_journal.c milter/event/journal_folder.c
only_in microhttpd.h milter/daemon/metrics_http.c
only_in unilbrk.h milter/reply/columns.c
only_in unistr.h milter/reply/columns.c
only_in unicase.h milter/event/privacy_token.c
only_in uniwidth.h milter/reply/columns.c
only_in zlib.h milter/event/log_source.c
only_in zstd.h milter/event/log_source.c
only_in gmime/ milter/cli/bounce.c
only_in glib.h milter/review/ milter/cli/ include/mailwhy/counts.h include/mailwhy/tally.h
only_in xxhash.h milter/review/distinct.c

# Lower rooms know nothing of higher ones: each room, and the headers it may use beside its own.
rooms="reply catalog session event explain mta daemon review"
room_of() { # HEADER: the room whose source it describes
    for room in $rooms cli; do
        [ -e "milter/$room/$1.c" ] && echo "$room" && return
    done
}
level() {
    case $1 in reply) echo 0 ;; catalog) echo 1 ;; session | event) echo 2 ;; explain) echo 3 ;; mta | review) echo 4 ;; *) echo 5 ;; esac
}
for room in $rooms; do
    for header in $(grep -rhoE '#include <mailwhy/[a-z0-9_]+' "milter/$room" | sed 's|.*/||' | sort -u); do
        owner=$(room_of "$header")
        [ -n "$owner" ] || continue
        [ "$(level "$owner")" -le "$(level "$room")" ] || fault "milter/$room uses $header.h of the higher room $owner"
    done
done

grep -nE '\b(atoi|atol|strcpy|strcat|sprintf|gets)\(' -r milter && fault "these functions have checked counterparts"
for file in $(find milter include -name '*.[ch]'); do
    [ "$(wc -l <"$file")" -le 700 ] || fault "$file has more than 700 lines: has it two subjects?"
done
[ "$(git ls-files | cut -d/ -f1 | grep -v '^\.' | sort -u | tr '\n' ' ')" = "LICENSE Makefile README.md conf include milter systemd tests " ] ||
    fault "the top level holds other names than the house has"

shellcheck tests/*.sh .ci/run || fault "shellcheck"
flags="-std=c11 -Iinclude -D_GNU_SOURCE -DMAILWHY_VERSION=\"lint\" $(pkg-config --cflags libpcre2-8 libconfuse libcrypto libsystemd gmime-3.0)"
# shellcheck disable=SC2016 # it is that shell's
find milter -name '*.c' -print0 | flags=$flags xargs -0 -P 2 -n 12 sh -c 'clang-tidy --quiet "$@" -- $flags 2>/dev/null' sh | grep -E 'warning:|error:' && fault "clang-tidy"

[ "$wrong" -eq 0 ] && echo "lint: clean"
exit "$wrong"
