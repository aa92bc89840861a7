#include <mailwhy/mask.h>

#include <stdbool.h>
#include <string.h>

#include <glib.h>

#define CODES 10 /* octets of "554 5.7.1 " */
#define LONG_NUMBER 6
#define BRACKETED_MAX 1024 /* octets between brackets: what is longer is no address or name */

struct mask {
    const char *at, *start, *end;
    char *out;
    size_t len;
    bool people;
};

static void put(struct mask *m, char c)
{
    if (m->len + 1 < MASK_SIZE)
        m->out[m->len++] = c;
}

static bool is_address(const char *s, const char *end)
{
    unsigned dots = 0, colons = 0;
    if (end - s > 5 && memcmp(s, "IPv6:", 5) == 0)
        s += 5;
    for (; s < end; s++) {
        if (!g_ascii_isxdigit(*s) && *s != '.' && *s != ':')
            return false;
        dots += *s == '.';
        colons += *s == ':';
    }
    return dots == 3 || colons >= 2;
}

/* The end of what stands in brackets and is masked. NULL: nothing. */
static const char *bracketed(const struct mask *m)
{
    const char *first = m->at + 1;
    size_t room = (size_t)(m->end - first);
    const char *end = memchr(first, *m->at == '<' ? '>' : ']', room < BRACKETED_MAX ? room : BRACKETED_MAX);
    if (!end || end == first)
        return NULL;
    if (*m->at == '<') /* but for <CRLF> and the like, and URLs */
        return end - first <= 4 || memmem(first, (size_t)(end - first), "://", 3) ? NULL : end;
    return m->people || is_address(first, end) ? end : NULL;
}

/* The end of a number or an address that begins here, and is masked. NULL: none. */
static const char *numeric(const struct mask *m)
{
    const char *s = m->at;
    unsigned dots = 0;
    if (m->at - m->start < CODES || (g_ascii_isalnum(m->at[-1]) && !m->people))
        return NULL;
    while (s < m->end && (g_ascii_isdigit(*s) || (*s == '.' && s + 1 < m->end && g_ascii_isdigit(s[1]))))
        dots += *s++ == '.';
    if (m->people) {
        while (s < m->end && (g_ascii_isxdigit(*s) || *s == '.'))
            s++;
        return s;
    }
    return (dots == 3 && memcmp(m->at, "127.", 4) != 0) || (dots == 0 && s - m->at >= LONG_NUMBER) ? s : NULL;
}

/* Take over what stands as it is: up to the next octet that may begin something that is masked, or is a control character. */
static void put_run(struct mask *m)
{
    static const bool stops[256] = {
        [0] = 1,   [1] = 1,   [2] = 1,   [3] = 1,   [4] = 1,   [5] = 1,   [6] = 1,   [7] = 1,   [8] = 1,   [9] = 1,
        [10] = 1,  [11] = 1,  [12] = 1,  [13] = 1,  [14] = 1,  [15] = 1,  [16] = 1,  [17] = 1,  [18] = 1,  [19] = 1,
        [20] = 1,  [21] = 1,  [22] = 1,  [23] = 1,  [24] = 1,  [25] = 1,  [26] = 1,  [27] = 1,  [28] = 1,  [29] = 1,
        [30] = 1,  [31] = 1,  [127] = 1, ['0'] = 1, ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1, ['5'] = 1, ['6'] = 1,
        ['7'] = 1, ['8'] = 1, ['9'] = 1, ['<'] = 1, ['['] = 1, ['@'] = 1};
    const char *end = m->at;
    while (end < m->end && !stops[(unsigned char)*end])
        end++;
    size_t len = (size_t)(end - m->at), room = MASK_SIZE - 1 - m->len;
    memcpy(m->out + m->len, m->at, len < room ? len : room);
    m->len += len < room ? len : room;
    m->at = end;
}

static bool in_address(char c, const char *others)
{
    return g_ascii_isalnum(c) || (c && strchr(others, c));
}

/* An address without brackets: its local part has been taken over already, and is taken back. False: there is none on one side of the @. */
static bool bare_address(struct mask *m)
{
    const char *end = m->at + 1;
    size_t local = m->len;
    while (local > 0 && m->at - m->start > CODES && in_address(m->out[local - 1], "._+-="))
        local--;
    while (end < m->end && in_address(*end, ".-"))
        end++;
    if (local == m->len || end == m->at + 1 || m->len + 1 == MASK_SIZE)
        return false;
    m->len = local;
    for (const char *s = m->people ? "..." : "a@b.c"; *s; s++)
        put(m, *s);
    m->at = end;
    return true;
}

/* What stands for what is masked: for the catalogue something of the same shape. */
static const char *in_place(const struct mask *m, const char *end)
{
    size_t len = (size_t)(end - m->at);
    if (*m->at == '<')
        return m->people ? "<...>" : memchr(m->at, '@', len) ? "<a@b.c>" : memchr(m->at, '.', len) ? "<b.c>" : "<name>";
    if (*m->at == '[')
        return m->people ? "[...]" : memchr(m->at, ':', len) ? "[::1]" : "[1.1.1.1]";
    return m->people ? "#" : memchr(m->at, '.', len) ? "1.1.1.1" : "1111111";
}

static size_t run(struct mask *m)
{
    for (put_run(m); m->at < m->end && m->len + 1 < MASK_SIZE; put_run(m)) {
        char c = *m->at;
        bool opens = c == '<' || c == '[';
        const char *end = opens ? bracketed(m) : g_ascii_isdigit(c) ? numeric(m) : NULL;
        if (c == '@' && bare_address(m))
            continue;
        if (!end) {
            put(m, m->people && g_ascii_iscntrl(c) ? ' ' : c);
            m->at++;
            continue;
        }
        for (const char *s = in_place(m, end); *s; s++)
            put(m, *s);
        m->at = end + opens;
    }
    m->out[m->len] = '\0';
    return m->len;
}

size_t mask_for_match(const char *reply, size_t len, char out[static MASK_SIZE])
{
    return run(&(struct mask){.at = reply, .start = reply, .end = reply + len, .out = out});
}

size_t mask_for_people(const char *reply, size_t len, char out[static MASK_SIZE])
{
    return run(&(struct mask){.at = reply, .start = reply, .end = reply + len, .out = out, .people = true});
}
