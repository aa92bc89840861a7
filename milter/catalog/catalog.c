#include "entries.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const who_names[] = {
    [WHO_SENDER] = "sender", [WHO_SENDER_ADMIN] = "sender-admin", [WHO_RECEIVER_ADMIN] = "receiver-admin"};
static_assert(sizeof who_names / sizeof *who_names == WHO_COUNT, "each who has its name");

struct catalog *catalog_retain(struct catalog *c)
{
    atomic_fetch_add(&c->users, 1);
    return c;
}

static void texts_free(struct catalog_text *texts, size_t count)
{
    for (size_t i = 0; texts && i < count; i++)
        free((void *)(uintptr_t)texts[i].variants);
    free(texts);
}

void reason_clear(struct reason_entry *r)
{
    for (size_t i = 0; i < r->pattern_count; i++)
        pattern_free(r->patterns[i]);
    free(r->patterns);
    free(r->codes);
    free(r->enhanced);
    *r = (struct reason_entry){0};
}

void catalog_release(struct catalog *c)
{
    if (!c || atomic_fetch_sub(&c->users, 1) != 1)
        return;
    for (size_t i = 0; i < c->reason_count; i++)
        reason_clear(&c->reasons[i]);
    for (size_t i = 0; i < c->language_count; i++) {
        texts_free(c->languages[i].reasons, c->reason_count);
        texts_free(c->languages[i].codes, c->code_count);
        texts_free(c->languages[i].enhanced, c->enhanced_count);
    }
    for (struct string_block *block = c->strings, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    free(c->languages);
    free(c->rows);
    free(c->codes);
    free(c->enhanced);
    free(c->lists);
    free(c->reasons);
    free(c);
}

static const struct language *language_find(const struct catalog *c, const char *name)
{
    for (size_t i = 0; i < c->language_count; i++)
        if (strcmp(c->languages[i].name, name) == 0)
            return &c->languages[i];
    return NULL;
}

bool catalog_has_language(const struct catalog *c, const char *language)
{
    return language_find(c, language) != NULL;
}

static const struct language *language_or_english(const struct catalog *c, const char *name)
{
    const struct language *l = language_find(c, name);
    return l ? l : &c->languages[0];
}

static const struct catalog_text *text_or(const struct catalog_text *own, const struct catalog_text *english)
{
    return own->name ? own : english;
}

const struct catalog_text *catalog_reason_text(const struct catalog *c, const struct catalog_reason *reason, const char *language)
{
    size_t i = reason_index(c, reason);
    return text_or(&language_or_english(c, language)->reasons[i], &c->languages[0].reasons[i]);
}

const struct catalog_text *catalog_enhanced_text(const struct catalog *c, const struct catalog_enhanced *enhanced,
                                                 const char *language)
{
    size_t i = enhanced_index(c, enhanced);
    return text_or(&language_or_english(c, language)->enhanced[i], &c->languages[0].enhanced[i]);
}

const struct catalog_text *catalog_code_text(const struct catalog *c, int code, const char *language)
{
    const struct catalog_code *entry = catalog_code_find(c, code);
    if (!entry)
        return NULL;
    size_t i = code_index(c, entry);
    return text_or(&language_or_english(c, language)->codes[i], &c->languages[0].codes[i]);
}

const struct catalog_text *catalog_match_text(const struct catalog *c, const struct catalog_match *match, const char *language)
{
    if (match->reason)
        return catalog_reason_text(c, match->reason, language);
    if (match->enhanced && (!match->enhanced->vague || !match->code))
        return catalog_enhanced_text(c, match->enhanced, language);
    return match->code ? catalog_code_text(c, match->code->code, language) : NULL;
}

const char *catalog_word(const struct catalog *c, enum word word, const char *language)
{
    return language_or_english(c, language)->words[word];
}

bool catalog_words_are_ascii(const struct catalog *c, const char *language)
{
    return language_or_english(c, language)->ascii_words;
}

const struct catalog_reason *catalog_reason_by_id(const struct catalog *c, const char *id)
{
    for (size_t i = 0; i < c->reason_count; i++)
        if (strcmp(c->reasons[i].reason.id, id) == 0)
            return &c->reasons[i].reason;
    return NULL;
}

const struct catalog_code *catalog_code_find(const struct catalog *c, int code)
{
    for (size_t i = 0; i < c->code_count; i++)
        if (c->codes[i].code.code == code)
            return &c->codes[i].code;
    return NULL;
}

const struct catalog_enhanced *catalog_enhanced_find(const struct catalog *c, const struct enhanced *code)
{
    const struct catalog_enhanced *found = NULL;
    for (size_t i = 0; code->class && i < c->enhanced_count; i++) {
        const struct enhanced *e = &c->enhanced[i].enhanced.code;
        if (e->detail != code->detail || e->subject != code->subject || (e->class && e->class != code->class))
            continue;
        found = &c->enhanced[i].enhanced;
        if (e->class)
            break;
    }
    return found;
}

const struct catalog_list *catalog_list_find(const struct catalog *c, const char *name, size_t len)
{
    for (size_t i = 0; i < c->list_count; i++) {
        const char *title = c->lists[i].title;
        size_t size = strlen(title);
        if (size <= len && strncasecmp(name + len - size, title, size) == 0 && (size == len || name[len - size - 1] == '.'))
            return &c->lists[i];
    }
    return NULL;
}

const struct catalog_reason *catalog_reason_at(const struct catalog *c, size_t i)
{
    return i < c->reason_count ? &c->reasons[i].reason : NULL;
}

const struct catalog_code *catalog_code_at(const struct catalog *c, size_t i)
{
    return i < c->code_count ? &c->codes[i].code : NULL;
}

const struct catalog_enhanced *catalog_enhanced_at(const struct catalog *c, size_t i)
{
    return i < c->enhanced_count ? &c->enhanced[i].enhanced : NULL;
}

const char *catalog_language_at(const struct catalog *c, size_t i)
{
    return i < c->language_count ? c->languages[i].name : NULL;
}

size_t catalog_reason_count(const struct catalog *c)
{
    return c->reason_count;
}

int catalog_reason_code_at(const struct catalog *c, const struct catalog_reason *reason, size_t i)
{
    const struct reason_entry *r = &c->reasons[reason_index(c, reason)];
    return i < r->code_count ? r->codes[i] : 0;
}

const struct enhanced *catalog_reason_enhanced_at(const struct catalog *c, const struct catalog_reason *reason, size_t i)
{
    const struct reason_entry *r = &c->reasons[reason_index(c, reason)];
    return i < r->enhanced_count ? &r->enhanced[i] : NULL;
}

const char *catalog_reason_pattern_at(const struct catalog *c, const struct catalog_reason *reason, size_t i)
{
    const struct reason_entry *r = &c->reasons[reason_index(c, reason)];
    return i < r->pattern_count ? pattern_text(r->patterns[i]) : NULL;
}

const char *catalog_enhanced_name(const struct catalog_enhanced *enhanced, char out[static ENHANCED_SIZE])
{
    struct enhanced e = enhanced->code;
    e.class = e.class ? e.class : 5;
    enhanced_format(&e, out);
    if (!enhanced->code.class)
        *out = 'X';
    return out;
}

const char *catalog_who_name(enum catalog_who who)
{
    return who_names[who];
}
