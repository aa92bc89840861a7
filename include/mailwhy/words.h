/* The words around the catalogue's texts: labels, titles, sentences of the tool. Each language has its own, in the section "words" of
 * text/LANG.conf, under the names below. */
#ifndef MAILWHY_WORDS_H
#define MAILWHY_WORDS_H

// clang-format off
#define WORDS(X) \
    /* Labels in a reply */ \
    X(REASON, "reason") \
    X(FIX, "fix") \
    X(REF, "ref") \
    X(HELP, "help") \
    X(CONTACT, "contact") \
    /* What a placeholder stands for where nothing was caught */ \
    X(THIS_ADDRESS, "this-address") \
    X(A_BLOCKLIST, "a-blocklist") \
    X(ITS_PAGE, "its-page") \
    X(IT, "it") \
    /* Who must act */ \
    X(SENDER, "sender") \
    X(SENDER_ADMIN, "sender-admin") \
    X(RECEIVER_ADMIN, "receiver-admin") \
    /* The classes of RFC 5321 section 4.2.1 */ \
    X(CLASS_2, "class-2") \
    X(CLASS_3, "class-3") \
    X(CLASS_4, "class-4") \
    X(CLASS_5, "class-5") \
    /* Titles of an explanation and of a comparison */ \
    X(DESCRIPTION, "description") \
    X(WHEN, "when") \
    X(HOW_TO_FIX, "how-to-fix") \
    X(WHO_ACTS, "who-acts") \
    X(CHALLENGE, "challenge") /* %a is base64, %x what it says */ \
    X(WRONG_PORT, "wrong-port") \
    X(DIFFERENCES, "differences") \
    X(WHICH_WHEN, "which-when") \
    /* Heads of tables */ \
    X(CODE, "code") \
    X(ENHANCED, "enhanced") \
    X(CLASS, "class") \
    X(STAGE, "stage") \
    X(WHO, "who") \
    X(ID, "id") \
    X(NAME, "name") \
    X(REPLY, "reply") \
    /* Why a reason was chosen */ \
    X(WHY, "why") \
    X(RULE, "rule") \
    X(PATTERN, "pattern") \
    X(MATCHED, "matched") \
    X(RULE_PATTERN_BOTH, "rule-pattern-both") \
    X(RULE_PATTERN_CODE, "rule-pattern-code") \
    X(RULE_PATTERN, "rule-pattern") \
    X(RULE_REASON_ENHANCED, "rule-reason-enhanced") \
    X(RULE_ENHANCED, "rule-enhanced") \
    X(RULE_REASON_CODE, "rule-reason-code") \
    X(RULE_CODE, "rule-code") \
    X(RULE_NOTHING, "rule-nothing") \
    /* Sentences of a comparison: %a and %b are the codes, %x and %y what the sentence says of each */ \
    X(DIFFERENT_CLASSES, "different-classes") \
    X(SAME_CLASS, "same-class") \
    X(MEANING_OF, "meaning-of") \
    X(MOMENT_OF, "moment-of") \
    X(FIX_OF, "fix-of") \
    /* Pages of a review: its title and what it says first */ \
    X(REVIEW, "review") \
    X(SPAN, "span") \
    X(REFUSALS, "refusals") \
    X(SESSIONS, "sessions") \
    X(SESSIONS_BEFORE, "sessions-before") \
    X(ACCEPTED, "accepted") \
    X(DELIVERIES, "deliveries") \
    X(DELIVERIES_HERE, "deliveries-here") \
    X(LOST, "lost") \
    X(UNREAD_LINES, "unread-lines") \
    X(UNREAD_FILES, "unread-files") \
    X(BOUND, "bound") \
    X(NOTHING, "nothing") \
    /* Its questions */ \
    X(WHY_HERE, "why-here") \
    X(WHY_THERE, "why-there") \
    X(WHY_UNDELIVERED, "why-undelivered") \
    X(OURS_HERE, "ours-here") \
    X(OURS_THERE, "ours-there") \
    X(GUESSERS, "guessers") \
    X(GUESSING_NETWORKS, "guessing-networks") \
    X(GUESSED, "guessed") \
    X(OLD_PASSWORDS, "old-passwords") \
    X(CORRESPONDENTS, "correspondents") \
    X(NOT_IN_CATALOGUE, "not-in-catalogue") \
    /* Heads over numbers, times and names; labels of an event */ \
    X(NUMBER, "count") \
    X(FIRST, "first") \
    X(LAST, "last") \
    X(TREND, "trend") \
    X(CLIENT, "client") \
    X(CLIENTS, "clients") \
    X(NETWORK, "network") \
    X(USER, "user") \
    X(USERS, "users") \
    X(FROM, "from") \
    X(RECIPIENT, "recipient") \
    X(RECIPIENTS, "recipients") \
    X(HOUR, "hour") \
    X(DAY, "day") \
    X(MTA, "mta") \
    X(REFERENCE, "reference") \
    X(TIME, "time") \
    X(LOCAL_TIME, "local-time") \
    X(HELO, "helo") \
    X(TLS, "tls") \
    X(NOT_ENCRYPTED, "not-encrypted") \
    X(ASKED_FOR, "asked-for") \
    X(QUEUE_ID, "queue-id") \
    X(ATTEMPT, "attempt") \
    X(PORT, "port") \
    X(PROCESS, "process") \
    X(THROUGH, "through") \
    X(SESSION, "session") \
    X(NOT_KNOWN, "not-known") \
    X(LEFT_OUT, "left-out") \
    /* Charts and tables of the HTML page */ \
    X(OVER_TIME, "over-time") \
    X(BY_WEEKDAY, "by-weekday") \
    X(AUTH_BY_NETWORK, "auth-by-network") \
    X(OTHER_REASONS, "other-reasons") \
    X(FILTER, "filter") \
    X(ROWS_SHOWN, "rows-shown") \
    X(AS_TABLE, "as-table") \
    X(CONTENTS, "contents") \
    X(MADE, "made") \
    X(MONDAY, "monday") \
    X(TUESDAY, "tuesday") \
    X(WEDNESDAY, "wednesday") \
    X(THURSDAY, "thursday") \
    X(FRIDAY, "friday") \
    X(SATURDAY, "saturday") \
    X(SUNDAY, "sunday") \
    /* Pages of a probe */ \
    X(PROBE, "probe") \
    X(PROBE_PLAN, "probe-plan") \
    X(SENT, "sent") \
    X(EXPLAINED, "explained") \
    X(EVENT, "event") \
    X(CATALOGUE, "catalogue") \
    X(CERTIFICATE, "certificate") \
    X(GOOD_UNTIL, "good-until") \
    X(NOT_GOOD, "not-good") \
    X(YES, "yes") \
    X(NO, "no") \
    X(IN_LOG, "in-log") \
    X(NOT_IN_LOG, "not-in-log") \
    X(NOT_LOOKED_FOR, "not-looked-for") \
    X(NOT_REFUSED, "not-refused") \
    X(NOT_TRIED, "not-tried") \
    X(BY_CONFIGURATION, "by-configuration") \
    X(STEP_UNKNOWN, "step-unknown") \
    X(STEP_RECIPIENT, "step-recipient") \
    X(STEP_DATA, "step-data") \
    X(STEP_RELAY, "step-relay") \
    X(STEP_SIGN_IN, "step-sign-in") \
    X(MADE_UP, "made-up") \
    X(NO_SIGN_IN, "no-sign-in") \
    X(SIGN_IN_IN_CLEAR, "sign-in-in-clear") \
    X(CONNECTION_ENDED, "connection-ended") \
    X(ALL_EXPLAINED, "all-explained") \
    X(NOT_ALL_EXPLAINED, "not-all-explained")
// clang-format on

enum word {
#define WORD_ENUM(name, key) WORD_##name,
    WORDS(WORD_ENUM)
#undef WORD_ENUM
        WORD_COUNT
};
#define WORD_REPLY_LAST WORD_IT /* the words up to this one stand in replies */

#endif
