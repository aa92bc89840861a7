#include <mailwhy/filter.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

static int complain(struct buffer *fault, const char *option, const char *value, const char *wanted)
{
    buffer_printf(fault, "--%s takes %s, not: %s", option, wanted, value);
    return -1;
}

/* The midnight so many days ago, in the time of this machine. */
static time_t midnight(time_t now, int days)
{
    struct tm tm;
    localtime_r(&now, &tm);
    tm.tm_mday -= days;
    tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
    tm.tm_isdst = -1;
    return mktime(&tm);
}

/* "2h", "90m", "3d", "1w": so long ago. -1: not such a text. */
static time_t ago(const char *text, time_t now)
{
    static const struct {
        char unit;
        long seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
    char *end;
    if (*text < '0' || *text > '9')
        return -1;
    long n = strtol(text, &end, 10);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (end[0] == units[i].unit && end[1] == '\0' && n <= 1000000)
            return now - n * units[i].seconds;
    return -1;
}

/* A time as people write it, in the time of this machine where it doesn't say another. -1: not a time. */
static time_t read_time(const char *text, time_t now)
{
    static const char *const formats[] = {"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S",
                                          "%Y-%m-%d %H:%M",     "%Y-%m-%dT%H:%M",    "%Y-%m-%d"};
    if (strcmp(text, "now") == 0)
        return now;
    if (strcmp(text, "today") == 0)
        return midnight(now, 0);
    if (strcmp(text, "yesterday") == 0)
        return midnight(now, 1);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        struct tm tm = {.tm_isdst = -1};
        const char *end = strptime(text, formats[i], &tm);
        struct tm read = tm;
        if (!end || *end || tm.tm_year < 70)
            continue;
        time_t time = i == 0 ? timegm(&tm) : mktime(&tm);
        return tm.tm_mday == read.tm_mday ? time : -1; /* no 30 February */
    }
    return ago(text, now);
}

static int take_time(time_t *time, struct buffer *fault, const char *option, const char *text, time_t now)
{
    if (!text)
        return 0;
    *time = read_time(text, now);
    if (*time != -1)
        return 0;
    return complain(fault, option, text,
                    "a time: \"2026-11-20\", \"2026-11-20 14:00\", \"yesterday\", or how long ago: \"2h\", \"3d\"");
}

static int take_network(struct filter *f, struct buffer *fault, const char *text)
{
    char address[64];
    const char *slash = text ? strchr(text, '/') : NULL;
    if (!text)
        return 0;
    size_t len = slash ? (size_t)(slash - text) : strlen(text);
    if (len < sizeof address) {
        memcpy(address, text, len);
        address[len] = '\0';
        for (int i = 0; i < 2 && !f->family; i++) {
            static const int families[] = {AF_INET, AF_INET6}, most[] = {32, 128};
            char *end = NULL;
            if (inet_pton(families[i], address, f->network) != 1)
                continue;
            long bits = slash ? strtol(slash + 1, &end, 10) : most[i];
            if (slash && (end == slash + 1 || *end || bits < 0 || bits > most[i]))
                break;
            f->family = families[i];
            f->bits = (int)bits;
        }
    }
    return f->family ? 0 : complain(fault, "client", text, "an address or a network, such as 192.0.2.0/24");
}

int filter_read(struct filter *f, const struct filter_options *o, time_t now, struct buffer *fault)
{
    *f = (struct filter){.user.pattern = o->user,
                         .sender.pattern = o->sender,
                         .recipient.pattern = o->recipient,
                         .code = o->code,
                         .reason = o->reason};
    f->any = !o->client && !o->user && !o->sender && !o->recipient && !o->code && !o->reason;
    if (take_time(&f->since, fault, "since", o->since, now) == -1 || take_time(&f->until, fault, "until", o->until, now) == -1)
        return -1;
    if (f->since && f->until && f->since >= f->until)
        return complain(fault, "until", o->until, "a time after that of --since");
    return take_network(f, fault, o->client);
}

/* Not fnmatch(3), to which "[192.0.2.1]" and a backslash are more than what they are in an address. */
static bool fits_pattern(const char *pattern, const char *value)
{
    const char *star = NULL, *tried = value; /* the last '*', and from where on what stands behind it was tried */
    while (*value) {
        if (*pattern == '*') {
            star = pattern++;
            tried = value;
        } else if (*pattern == '?' || g_ascii_tolower(*pattern) == g_ascii_tolower(*value)) {
            pattern++;
            value++;
        } else if (star) {
            pattern = star + 1;
            value = ++tried;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}

static bool fits(const char *pattern, const char *value)
{
    return !pattern || (value && fits_pattern(pattern, value));
}

static bool is_name(const struct filter_name *n)
{
    return n->pattern && *n->pattern && !strpbrk(n->pattern, "*?[\\");
}

static void hide(struct filter_name *n, const unsigned char *key)
{
    struct buffer mask = {0};
    if (!is_name(n))
        return;
    privacy_mask(n->pattern, strlen(n->pattern), &mask);
    if (buffer_ok(&mask) && mask.len < sizeof n->mask)
        memcpy(n->mask, mask.data, mask.len + 1);
    buffer_free(&mask);
    if (key && privacy_token(key, n->pattern, strlen(n->pattern), n->token) == -1)
        n->token[0] = '\0';
}

bool filter_asks_name(const struct filter *f)
{
    return is_name(&f->user) || is_name(&f->sender) || is_name(&f->recipient);
}

void filter_take_hidden(struct filter *f, const unsigned char key[PRIVACY_KEY_SIZE])
{
    hide(&f->user, key);
    hide(&f->sender, key);
    hide(&f->recipient, key);
}

static bool fits_name(const struct filter_name *n, const char *value)
{
    return fits(n->pattern, value) || (value && *value && (strcmp(n->mask, value) == 0 || strcmp(n->token, value) == 0));
}

static bool fits_code(const struct filter *f, const struct event *e)
{
    char code[12];
    if (!f->code)
        return true;
    snprintf(code, sizeof code, "%d", e->code);
    return fits_pattern(f->code, code) || fits(f->code, e->enhanced);
}

static bool fits_client(const struct filter *f, const char *address)
{
    unsigned char octets[16];
    if (!f->family)
        return true;
    if (!address || inet_pton(f->family, address, octets) != 1)
        return false;
    int whole = f->bits / 8, rest = f->bits % 8;
    unsigned mask = 0xffU << (8 - rest);
    return memcmp(octets, f->network, (size_t)whole) == 0 &&
           (rest == 0 || ((octets[whole] ^ f->network[whole]) & mask & 0xffU) == 0);
}

bool filter_takes(const struct filter *f, const struct event *e, const char *reason)
{
    return f->any ||
           (fits_name(&f->user, e->sasl_user) && fits_name(&f->sender, e->sender) && fits_name(&f->recipient, e->recipient) &&
            fits(f->reason, reason) && fits_code(f, e) && fits_client(f, e->client_addr));
}
