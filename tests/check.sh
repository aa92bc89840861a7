#!/bin/sh
# Run every test of the tree with the programs of a build directory, its asan/ and its tsan/; end with "N passed, N failed".
set -u
build=${1:-build}
passed=0 failed=0

# What a program printed as TAP: count it. A program that dies counts as one failure more.
count_tap() { # NAME OUTPUT STATUS
    good=$(grep -ac '^ok ' "$2")
    bad=$(grep -ac '^not ok ' "$2")
    if [ "$3" -ne 0 ] && [ "$bad" -eq 0 ]; then
        bad=1
    fi
    passed=$((passed + good)) failed=$((failed + bad))
    if [ "$bad" -gt 0 ] || [ "$good" -eq 0 ]; then
        echo "FAILED: $1 (exit status $3)"
        cat "$2"
        [ "$bad" -gt 0 ] || failed=$((failed + 1))
    else
        echo "ok: $1 ($good)"
    fi
}

output=$(mktemp)
trap 'rm -f "$output"' EXIT

for directory in "$build" "$build/asan"; do
    for program in "$directory"/unit/test_*; do
        [ -x "$program" ] || continue
        CMOCKA_MESSAGE_OUTPUT=TAP timeout 300 "$program" >"$output" 2>&1
        count_tap "$program" "$output" $?
    done
done

sh tests/check-docs.sh "$build" >"$output" 2>&1
count_tap tests/check-docs.sh "$output" $?

# Real MTAs and real clients: with the address and undefined-behaviour sanitizers, then, where threads meet, with the thread sanitizer.
e2e() { # NAME BUILD [WORDS IN THE TESTS' NAMES]
    name=$1 programs=$2
    shift 2
    MAILWHY_BUILD=$programs timeout 1000 /usr/bin/python3 tests/e2e/run.py --jobs 2 "$@" 2>&1 | tee "$output"
    totals=$(grep -aE '^[0-9]+ passed, [0-9]+ failed' "$output" | tail -n 1)
    if [ -z "$totals" ]; then
        echo "FAILED: $name did not finish"
        failed=$((failed + 1))
    else
        passed=$((passed + ${totals%% passed*}))
        rest=${totals#* passed, }
        failed=$((failed + ${rest%% failed*}))
    fi
}
e2e e2e "$build/asan"
e2e e2e-threads "$build/tsan" test_socketmap test_threads test_replies test_sendmail.Rulesets test_proxy test_wrap test_metrics test_privacy.Key test_privacy.Token Killed \
    Reload

echo
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
