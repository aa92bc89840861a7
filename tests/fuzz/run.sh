#!/bin/sh
# Run each fuzzer of a directory for so many seconds, on the seeds of tests/fixtures; a finding ends it with status 1.
set -u
directory=$1 seconds=$2 status=0

corpus="$directory/corpus"
for source in tests/fuzz/fuzz_*.c; do
    mkdir -p "$corpus/$(basename "$source" .c)"
done
tail -n +2 tests/fixtures/replies.tsv | cut -f1 | awk -v dir="$corpus/fuzz_reply" '{ file = dir "/seed" NR; gsub(/\\r\\n/, "\r\n"); printf "%s", $0 > file; close(file) }'
cp "$corpus"/fuzz_reply/seed* "$corpus/fuzz_privacy"
cp tests/fixtures/bounces/*.eml "$corpus/fuzz_asked"
printf 'Nov 20 10:00:01 mx postfix/smtpd[7]: NOQUEUE: reject: RCPT from unknown[192.0.2.9]: 554 5.7.1 <a@b.c>: Relay access denied; from=<> to=<a@b.c> proto=ESMTP helo=<x>\n' >"$corpus/fuzz_asked/seed"
# shellcheck disable=SC2016 # Postfix expands it
printf '{ unix:mailwhy/milter, default_action=accept }, socketmap:unix:mailwhy/reply:$process_id {pid=$process_id}' >"$corpus/fuzz_wire/list"
printf 'divert(-1)\nFEATURE(x)\ndivert(0)dnl\nOSTYPE(`debian'"'"')dnl\nFEATURE(`access_db'"'"')dnl\nMAILER(`smtp'"'"')dnl\n' >"$corpus/fuzz_wire/mc"
printf '5:hello,7:status ,' >"$corpus/fuzz_netstring/seed"
printf 'rcpt\233mx.test\2338.17\233192.0.2.1\2334711\233c.test\233\233\233\2335.7.1\233<a@b.c>\233550 100%% "Relaying" denied' >"$corpus/fuzz_ruleset_map/seed1"
printf 'relay\233mx.test\2338.17\233IPv6:::1\2334711\233c.test\233TLSv1.3\233PLAIN\233joe\233nouser\233\233go away' >"$corpus/fuzz_ruleset_map/seed2"
printf 'sender\233mx.test\2338.17\233192.0.2.1\2334711\233c.test\233\233\2335.1.3\233@b.c\233553 User address required' >"$corpus/fuzz_ruleset_map/seed3"
printf '{"ts":"2026-11-20T22:09:29.468477Z","ref":"3ARC3-5NT88","pid":7,"stage":"auth","code":535,"reply":"535 \\u0000\\ud83d\\ude00"}\n' >"$corpus/fuzz_event/seed"
# A whole session with a refused recipient; a length of 0 and one of 2^32-1.
commands='\0\0\0\015O\0\0\0\006\0\0\001\377\0\037\377\377\0\0\0\022DCv\0Postfix 3.7\0j\0a\0\0\0\0\022Cc.test\0004\234@1.2.3.4\0\0\0\0\003Hx\0\0\0\0\012M<a@b.c>\0\0\0\0\012R<d@e.f>\0'
# shellcheck disable=SC2059 # octets, and no format
printf '\000\141'"$commands"'\0\0\0\0\0\0\0\030y554 5.7.1 Spam 100%%%%%%%%\0' >"$corpus/fuzz_milter/seed1"
# shellcheck disable=SC2059
printf '\003\141'"$commands"'\0\0\0\001r\0\0\0\001t\377\377\377\377y' >"$corpus/fuzz_milter/seed2"
awk -v dir="$corpus/fuzz_maillog" '{ file = dir "/seed" NR; print >file; close(file) }' <<'END'
Nov 20 10:00:01 mx postfix/smtpd[7]: proxy-reject: END-OF-MESSAGE: 554 5.7.1 no; from=<a@b.c> to=<d@e.f> proto=ESMTP helo=<x> sasl_username=<joe>
Nov 20 10:00:01 mx postfix/smtpd[7]: warning: proxy [::1]:10025 rejected "RCPT TO:<a@b.c>": "550 5.1.1 no"
Nov 20 10:00:01 mx postfix/smtpd[7]: warning: Connection rate limit exceeded: 9 from x.test[192.0.2.9] for service smtp
Nov 20 10:00:01 mx postfix/cleanup[7]: 4XyZ12: reject: mime-error improper use of 8-bit data in message header: x from local; from=<a@b.c> to=<d@e.f>
Nov 20 10:00:01 mx postfix/lmtp[7]: 4XyZ12: to=<a@b.c>, relay=mx[private/lmtp], dsn=5.1.1, status=bounced (host mx[private/lmtp] said: 550 5.1.1 no)
Nov 20 10:00:01 mx postfix/smtpd[7]: NOQUEUE: reject: RCPT from c.test[192.0.2.9]: 554 5.7.1 <a@b.c>: Relay access denied; from=<d@e.f> to=<a@b.c> proto=ESMTP helo=<x>
2026-11-20T10:00:01.123456+01:00 mx postfix-out/submission/smtpd[7]: warning: c.test[2001:db8::7]: SASL LOGIN authentication failed: UGFzc3dvcmQ6, sasl_username=joe
2026-11-20T10:00:01Z mx postfix/smtpd[7]: lost connection after AUTH from c.test[192.0.2.9]
Nov 20 10:00:01 mx postfix/cleanup[7]: 4XyZ12: milter-reject: END-OF-MESSAGE from c.test[192.0.2.9]: 5.7.1 Spam; from=<d@e.f> to=<a@b.c> proto=ESMTP helo=<x>
Nov 20 10:00:01 mx postfix/cleanup[7]: 4XyZ12: reject: header Subject: x from c.test[192.0.2.9]; from=<d@e.f> to=<a@b.c> proto=ESMTP helo=<x>: 5.7.1 no
Nov 20 10:00:01 mx postfix/postscreen[7]: NOQUEUE: reject: RCPT from [192.0.2.9]:53021: 550 5.7.1 blocked; from=<d@e.f>, to=<a@b.c>, proto=ESMTP, helo=<x>
Nov 20 10:00:01 mx postfix/smtp[7]: 4XyZ12: to=<a@b.c>, relay=mx[192.0.2.3]:25, dsn=5.7.1, status=bounced (host mx[192.0.2.3] said: 550-5.7.1 one 550 5.7.1 two (in reply to RCPT TO command))
Nov 20 10:00:01 mx postfix/qmgr[7]: 4XyZ12: from=<d@e.f>, size=450, nrcpt=1 (queue active)
Nov 20 10:00:01 mx sendmail[7]: 2AKMQ0aa000811: ruleset=check_rcpt, arg1=<a@b.c>, relay=c.test [192.0.2.9], reject=550 5.7.1 <a@b.c>... Relaying denied
Nov 20 10:00:01 mx sm-mta[7]: 2AKMQ0aa000811: AUTH failure (LOGIN): authentication failure (-13), user=joe, relay=c.test [IPv6:2001:db8::7]
Nov 20 10:00:01 mx sm-mta[7]: 2AKMQ0aa000811: to=<a@b.c>, delay=00:00:01, relay=mx. [192.0.2.3], dsn=4.2.0, reply=450 4.2.0 x, stat=Deferred: 450 4.2.0 Greylisted
Nov 20 10:00:01 mx sm-mta[7]: 2AKMQ0aa000811: <"a... b"@b.c>... User unknown
Nov 20 10:00:01 mx sm-mta[7]: 2AKMQ0aa000811: Milter: to=<a@b.c>, reject=550-5.7.1 one\r\n550 5.7.1 two
Nov 20 10:00:01 mx sm-mta[7]: 2AKMQ0aa000811: message size (180200) exceeds maximum (100000)
Nov 20 10:00:01 mx sm-mta[7]: 2AKMQ0aa000811: AUTH decode64 error [1 for "=x"], relay=c.test [IPv6:2001:db8::7]
Nov 20 10:00:01 mx sm-mta[7]: 2AKMQ0aa000811: rejecting commands from c.test [192.0.2.9] due to pre-greeting traffic after 0 seconds
Nov 20 10:00:01 mx sm-mta[7]: 2AKMQ0aa000811: c.test [192.0.2.9]: EXPN root [rejected]
Nov 20 10:00:01 mx sm-mta[7]: 2AKMQ0aa000811: from=<d@e.f>, size=450, class=0, nrcpts=1, relay=c.test [192.0.2.9]
END
entry='__REALTIME_TIMESTAMP=1795200001000000\n_HOSTNAME=mx\nSYSLOG_IDENTIFIER=postfix/smtpd\nSYSLOG_PID=7\n'
text='NOQUEUE: reject: RCPT from unknown[192.0.2.9]: 554 5.7.1 <a@b.c>: Relay access denied; from=<> to=<a@b.c>'
# shellcheck disable=SC2059 # these are formats
{
    printf "x$entry""MESSAGE=$text\n\n$entry""MESSAGE\n\005\0\0\0\0\0\0\0a\nb\0c\n\n" >"$corpus/fuzz_journal/export"
    printf 'x{"__REALTIME_TIMESTAMP":"1795200001000000","SYSLOG_IDENTIFIER":"sm-mta","MESSAGE":["x",[104,255],null,"%s"]}' "$text" >"$corpus/fuzz_journal/json"
    printf 'x{\n\t"_PID" : "7",\n\t"SYSLOG_IDENTIFIER" : "postfix/smtpd",\n\t"__REALTIME_TIMESTAMP" : "1795200001000000",\n\t"MESSAGE" : "%s"\n}\n' "$text" >"$corpus/fuzz_journal/pretty"
}

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
