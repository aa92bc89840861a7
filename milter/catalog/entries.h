/* The inside of a catalogue, shared by loading and matching. */
#ifndef MAILWHY_CATALOG_ENTRIES_H
#define MAILWHY_CATALOG_ENTRIES_H

#include <stdatomic.h>
#include <stdint.h>

#include <confuse.h>

#include <mailwhy/catalog.h>
#include <mailwhy/pattern.h>

/* Which folder something comes from. */
enum origin { ORIGIN_OURS, ORIGIN_SITE, ORIGINS };

struct reason_entry {
    struct catalog_reason reason; /* first: a reason handed out is its entry */
    const char *shown_as; /* id, or NULL */
    int *codes;
    size_t code_count;
    struct enhanced *enhanced;
    size_t enhanced_count;
    struct pattern **patterns;
    size_t pattern_count;
    cfg_t *section; /* where it stands, for faults; while loading */
    enum origin origin;
};

struct code_entry {
    struct catalog_code code; /* first, likewise */
    const char *shown_as;
    cfg_t *section;
    enum origin origin;
};

struct enhanced_entry {
    struct catalog_enhanced enhanced; /* first, likewise */
    const char *shown_as;
    cfg_t *section;
    enum origin origin;
};

/* The texts of one language: a row for each entry, by its index. A row without a name is not there. */
struct language {
    char name[16];
    struct catalog_text *reasons, *codes, *enhanced;
    const char *words[WORD_COUNT];
    bool from[ORIGINS]; /* that have a file of it */
    bool ascii_words; /* those that stand in replies */
};

/* A row for each key of each pattern, see pattern_keys(): those of one key stand together, those of patterns without a key last. */
struct pattern_row {
    struct pattern *pattern;
    uint16_t reason; /* index */
    struct pattern_key key;
};

struct string_block {
    struct string_block *next;
    size_t used, size;
    char data[];
};

struct catalog {
    atomic_uint users;
    char version[CATALOG_VERSION_SIZE];
    struct string_block *strings; /* every string of the catalogue */
    struct reason_entry *reasons;
    size_t reason_count;
    bool has_bare; /* reasons without patterns */
    struct pattern_row *rows;
    uint32_t key_rows[PATTERN_GRAMS + 2]; /* where the rows of each key begin, of none, and where all end */
    struct code_entry *codes;
    size_t code_count;
    struct enhanced_entry *enhanced;
    size_t enhanced_count;
    struct catalog_list *lists;
    size_t list_count;
    struct language *languages; /* the first is English */
    size_t language_count;
};

/* Whether the code is among the reason's; how specific a match of one of its patterns is. */
bool reason_knows_code(const struct reason_entry *r, int code);
bool reason_knows_enhanced(const struct reason_entry *r, const struct enhanced *e);
enum catalog_rank reason_rank(const struct reason_entry *r, const struct reply *reply);

/* Free what an entry holds, its strings apart, and make it empty. */
void reason_clear(struct reason_entry *r);

/* Where what was handed out stands: it is the beginning of its entry. */
static inline size_t reason_index(const struct catalog *c, const struct catalog_reason *reason)
{
    return (size_t)((const struct reason_entry *)(const void *)reason - c->reasons);
}
static inline size_t code_index(const struct catalog *c, const struct catalog_code *code)
{
    return (size_t)((const struct code_entry *)(const void *)code - c->codes);
}
static inline size_t enhanced_index(const struct catalog *c, const struct catalog_enhanced *enhanced)
{
    return (size_t)((const struct enhanced_entry *)(const void *)enhanced - c->enhanced);
}

#endif
