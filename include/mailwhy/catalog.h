/* What we know of replies: codes, reasons, their patterns and their texts. mailwhy-catalog(5) describes the files.
 *
 * A catalogue never changes once it is loaded, is counted by its users, and may be used by any number of threads, but for a brief one. */
#ifndef MAILWHY_CATALOG_H
#define MAILWHY_CATALOG_H

#include <stdbool.h>
#include <stddef.h>

#include <mailwhy/buffer.h>
#include <mailwhy/reply.h>
#include <mailwhy/span.h>
#include <mailwhy/stage.h>
#include <mailwhy/words.h>

#define CATALOG_FACTS_MAX 8
#define CATALOG_LANGUAGE_MAX 14 /* letters of a language's name */
#define CATALOG_VERSION_SIZE 13
#define CATALOG_LANGUAGE "en" /* the language that every entry has */

struct catalog;

enum catalog_who { WHO_SENDER, WHO_SENDER_ADMIN, WHO_RECEIVER_ADMIN, WHO_COUNT };

/* What a session must be like for a variant of a text to be the right one; the first variant in the file that holds is taken. */
enum catalog_condition {
    CONDITION_PLAINTEXT, /* known not to be encrypted */
    CONDITION_ENCRYPTED,
    CONDITION_RELAY_PORT, /* on port 25 */
    CONDITION_SUBMISSION_PORT, /* on 465 or 587 */
    CONDITION_AUTHENTICATED,
    CONDITION_ANONYMOUS, /* known not to be authenticated */
    CONDITION_REPEATED, /* the third failed AUTH of the session or a later one */
    CONDITION_COUNT
};

struct catalog_variant {
    unsigned conditions; /* bits: 1 << enum catalog_condition; all must hold */
    const char *reason, *fix; /* NULL: as without the variant */
};

struct catalog_text {
    const char *name; /* a few words: "Login or password not accepted" */
    const char *reason; /* what happened (for a code: what it means) */
    const char *when; /* the moment in a session */
    const char *fix; /* what to do */
    const struct catalog_variant *variants;
    size_t variant_count;
    bool ascii; /* all of it is printable ASCII, as a reply needs it */
};

struct catalog_reason {
    const char *id;
    const struct catalog_reason
        *shown; /* whose text the client gets: itself, but where that would tell whether an account exists */
    enum catalog_who who;
    bool wrong_port; /* usually means port 25 where 587 or 465 was meant */
    bool in_message; /* may be about a message that is under way; by default not at the stages connect to mail */
    enum stage stage; /* STAGE_NONE: at any */
};

struct catalog_code {
    int code;
    enum stage stage;
    enum catalog_who who;
    const struct catalog_reason
        *shown; /* whose text a failed sign-in gets where it would else get one about an account; NULL: none */
};

/* An enhanced status code: of one class, or of all. */
struct catalog_enhanced {
    struct enhanced code; /* class 0: any */
    const struct catalog_reason *shown; /* whose text a failed sign-in gets instead; NULL: none */
    enum stage stage;
    enum catalog_who who;
    bool vague; /* says less than a reply code that is known */
};

/* A list of addresses or names that are refused: a DNSBL, or a provider's own. */
struct catalog_list {
    const char *title; /* "spamhaus.org" */
    const char *name;
    const char *page; /* the page where an address is looked up, with %client in it; NULL: none */
    const char *site; /* where one looks up by hand; NULL: none */
};

/* A named group of the pattern that matched: its text in the reply. */
struct catalog_fact {
    const char *name;
    const char *value; /* within the reply's text; not NUL-terminated */
    size_t len;
};

/* How specific a match is; a higher one wins. */
enum catalog_rank {
    RANK_NONE,
    RANK_CODE, /* a reason without patterns, by its code; only where the enhanced code says nothing */
    RANK_ENHANCED, /* a reason without patterns, by its enhanced code */
    RANK_PATTERN, /* a pattern, though neither code is among the reason's */
    RANK_PATTERN_CODE, /* a pattern, and the code or the enhanced code */
    RANK_PATTERN_BOTH /* a pattern, the code and the enhanced code */
};

struct catalog_match {
    const struct catalog_reason *reason; /* NULL: nothing but the codes is known */
    const struct catalog_code *code; /* NULL: the code is not in the catalogue */
    const struct catalog_enhanced *enhanced; /* NULL: the enhanced code is not in the catalogue, or there is none */
    enum catalog_rank rank;
    const char *pattern; /* that matched; NULL: none */
    size_t start, end; /* of what it matched, in the reply's text */
    struct catalog_fact facts[CATALOG_FACTS_MAX];
    size_t fact_count;
};

/* Where a catalogue comes from. */
struct catalog_source {
    const char *dir;
    const char *local_dir; /* the site's, over the other entry by entry; NULL, or a folder that may be missing */
    const char *language; /* the one beside English; NULL: all */
    bool test; /* to see whether it is good, not to match with it: no machine code is made of patterns */
    bool
        brief; /* for few replies and one thread: patterns of dir are not looked at before they may match, its texts not checked */
    bool strict; /* faults are also: what a language lacks, and reasons that get in each other's way */
};

/* Load a catalogue. Faults are appended to faults, each a line "FILE:LINE: what and why". The catalogue, with one reference; NULL where anything is
 * wrong (errno EINVAL, or ENOMEM). */
struct catalog *catalog_load(const struct catalog_source *from, struct buffer *faults);
struct catalog *catalog_retain(struct catalog *c);
void catalog_release(struct catalog *c); /* NULL is allowed */

/* Which catalogue it is: 12 hexadecimal digits of a digest of its files, those of languages that were not asked for included, as they were when
 * all was loaded; mailwhy-catalog(5) says how they come about. "" for a brief one. */
const char *catalog_version(const struct catalog *c);

/* Find what is known of the reply. The most specific match wins: the highest rank; among those of one rank the pattern that matched more octets;
 * among those the reason that stands first in the files. Pure. What out points to lives as long as the catalogue and the reply. */
void catalog_match(const struct catalog *c, const struct reply *reply, struct catalog_match *out);

/* Whether the match says more than the text of a reply code. */
bool catalog_is_specific(const struct catalog_match *match);

/* Texts in a language, else in English. NULL where there is no such entry, or the match knows nothing. The text of a match is that of its reason (as
 * it is, not as it is shown), else of its enhanced code, else of its code; a vague enhanced code goes behind the code. */
const struct catalog_text *catalog_reason_text(const struct catalog *c, const struct catalog_reason *reason,
                                               const char *language);
const struct catalog_text *catalog_code_text(const struct catalog *c, int code, const char *language);
const struct catalog_text *catalog_enhanced_text(const struct catalog *c, const struct catalog_enhanced *enhanced,
                                                 const char *language);
const struct catalog_text *catalog_match_text(const struct catalog *c, const struct catalog_match *match, const char *language);
const char *catalog_word(const struct catalog *c, enum word word, const char *language);
bool catalog_words_are_ascii(const struct catalog *c, const char *language); /* those that stand in replies */

/* The entry of that name, NULL where there is none. The enhanced code: of its class, else of all classes. The list: one whose title is the name or a
 * domain that it is in, whatever the case. */
const struct catalog_reason *catalog_reason_by_id(const struct catalog *c, const char *id);
const struct catalog_code *catalog_code_find(const struct catalog *c, int code);
const struct catalog_enhanced *catalog_enhanced_find(const struct catalog *c, const struct enhanced *code);
const struct catalog_list *catalog_list_find(const struct catalog *c, const char *name, size_t len);

/* Whether mailwhy has explained that reply before: what it added stands at its end, with a reference. */
bool catalog_is_explained(const struct catalog *c, const struct reply *reply);

/* That reference, within the reply; empty where there is none. */
struct span catalog_told_ref(const struct catalog *c, const struct reply *reply);
bool catalog_has_language(const struct catalog *c, const char *language);

/* The entries in their order, NULL behind the last. */
const struct catalog_reason *catalog_reason_at(const struct catalog *c, size_t i);
const struct catalog_code *catalog_code_at(const struct catalog *c, size_t i);
const struct catalog_enhanced *catalog_enhanced_at(const struct catalog *c, size_t i);
const char *catalog_language_at(const struct catalog *c, size_t i);
size_t catalog_reason_count(const struct catalog *c);

/* A reason's codes, enhanced codes and patterns in their order; 0, NULL and NULL behind the last. */
int catalog_reason_code_at(const struct catalog *c, const struct catalog_reason *reason, size_t i);
const struct enhanced *catalog_reason_enhanced_at(const struct catalog *c, const struct catalog_reason *reason, size_t i);
const char *catalog_reason_pattern_at(const struct catalog *c, const struct catalog_reason *reason, size_t i);

/* "5.7.8", "X.7.8". */
const char *catalog_enhanced_name(const struct catalog_enhanced *enhanced, char out[static ENHANCED_SIZE]);

const char *catalog_who_name(enum catalog_who who); /* "sender", "sender-admin", "receiver-admin" */

#endif
