#!/bin/sh
# Run each fuzzer of a directory for so many seconds, on the seeds of tests/fixtures; a finding ends it with status 1.
set -u
directory=$1 seconds=$2 status=0

corpus="$directory/corpus"
mkdir -p "$corpus/fuzz_reply" "$corpus/fuzz_netstring" "$corpus/fuzz_event" "$corpus/fuzz_asked"
tail -n +2 tests/fixtures/replies.tsv | cut -f1 | awk -v dir="$corpus/fuzz_reply" '{ file = dir "/seed" NR; gsub(/\\r\\n/, "\r\n"); printf "%s", $0 > file; close(file) }'
cp tests/fixtures/bounces/*.eml "$corpus/fuzz_asked"
printf 'Nov 20 10:00:01 mx postfix/smtpd[7]: NOQUEUE: reject: RCPT from unknown[192.0.2.9]: 554 5.7.1 <a@b.c>: Relay access denied; from=<> to=<a@b.c> proto=ESMTP helo=<x>\n' >"$corpus/fuzz_asked/seed"
printf '5:hello,7:status ,' >"$corpus/fuzz_netstring/seed"
printf '{"ts":"2026-11-20T22:09:29.468477Z","ref":"3ARC3-5NT88","pid":7,"stage":"auth","code":535,"reply":"535 \\u0000\\ud83d\\ude00"}\n' >"$corpus/fuzz_event/seed"

for fuzzer in "$directory"/fuzz_*; do
    [ -x "$fuzzer" ] && [ -f "$fuzzer" ] || continue
    name=$(basename "$fuzzer")
    if timeout $((seconds + 60)) "$fuzzer" -max_total_time="$seconds" -max_len=4096 -timeout=5 -rss_limit_mb=2048 \
        -artifact_prefix="$directory/finding-" "$corpus/$name" >"$directory/$name.log" 2>&1; then
        echo "ok - $name: $(grep -a '^Done' "$directory/$name.log")"
    else
        echo "not ok - $name: see $directory/$name.log"
        tail -n 20 "$directory/$name.log"
        status=1
    fi
done
exit $status
