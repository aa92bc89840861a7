#include <mailwhy/handover.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include <mailwhy/json.h>
#include <mailwhy/notes.h>

#define HEAD "{\"mailwhy\":\"sessions 1\",\"time\":"
#define FORGET_EVERY 5 /* seconds */
#define BARRIER_US 1000000

struct handover {
    struct ticker ticker;
    struct sessions *all;
    struct session **sessions;
    size_t count;
    int64_t until, next; /* seconds */
};

static const struct {
    const char *key;
    enum session_field field;
} texts[] = {
    {"mta", SESSION_MTA},   {"host", SESSION_HOST}, {"client_addr", SESSION_CLIENT_ADDR}, {"client_name", SESSION_CLIENT_NAME},
    {"helo", SESSION_HELO}, {"tls", SESSION_TLS},   {"sasl_method", SESSION_SASL_METHOD}, {"sasl_user", SESSION_SASL_USER}};
#define TEXTS (sizeof texts / sizeof *texts)

enum number {
    NUMBER_PID,
    NUMBER_LOG_PID,
    NUMBER_CLIENT_PORT,
    NUMBER_DAEMON_PORT,
    NUMBER_SIGNED_IN,
    NUMBER_REFUSED,
    NUMBER_AUTH_FAILED,
    NUMBERS
};
static const char *const number_keys[NUMBERS] = {
    [NUMBER_PID] = "pid",
    [NUMBER_LOG_PID] = "log_pid",
    [NUMBER_CLIENT_PORT] = "client_port",
    [NUMBER_DAEMON_PORT] = "daemon_port",
    [NUMBER_SIGNED_IN] = "signed_in",
    [NUMBER_REFUSED] = "refused",
    [NUMBER_AUTH_FAILED] = "auth_failed",
};

static int64_t seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static void write_session(const struct session_facts *f, struct buffer *out)
{
    const long numbers[NUMBERS] = {[NUMBER_PID] = f->pid,
                                   [NUMBER_LOG_PID] = f->log_pid,
                                   [NUMBER_CLIENT_PORT] = f->client_port,
                                   [NUMBER_DAEMON_PORT] = f->daemon_port,
                                   [NUMBER_SIGNED_IN] = f->signed_in,
                                   [NUMBER_REFUSED] = f->refused,
                                   [NUMBER_AUTH_FAILED] = f->auth_failed};
    buffer_add_char(out, '{');
    for (size_t i = 0; i < NUMBERS; i++)
        json_put_long(out, number_keys[i], numbers[i]);
    for (size_t i = 0; i < TEXTS; i++) {
        const char *text = f->field[texts[i].field];
        if (!text || texts[i].field != SESSION_TLS || strcmp(text, "none") != 0)
            json_put_text(out, texts[i].key, text);
    }
    buffer_add_string(out, "}\n");
}

int handover_write(struct sessions *all, int64_t now, struct buffer *out)
{
    struct session **found = calloc(HANDOVER_MAX, sizeof *found);
    if (!found)
        return -1;
    size_t count = sessions_listed(all, found, HANDOVER_MAX);
    buffer_printf(out, HEAD "%lld}\n", (long long)now);
    for (size_t i = 0; i < count; i++) {
        size_t before = out->len;
        session_lock(found[i]);
        write_session(session_facts(found[i]), out);
        session_unlock(found[i]);
        session_release(found[i]);
        if (out->len > HANDOVER_SIZE_MAX)
            buffer_cut(out, before);
    }
    free(found);
    return buffer_ok(out) ? 0 : -1;
}

void handover_give(struct sessions *all)
{
    struct buffer text = {0};
    int fd = -1;
    if (!getenv("NOTIFY_SOCKET") || sessions_count(all) == 0 || handover_write(all, seconds(), &text) == -1)
        goto done;
    fd = memfd_create(HANDOVER_NAME, MFD_CLOEXEC);
    if (fd != -1 && write(fd, text.data, text.len) == (ssize_t)text.len &&
        sd_pid_notify_with_fds(0, 0, "FDSTORE=1\nFDNAME=" HANDOVER_NAME, &fd, 1) > 0)
        sd_notify_barrier(0, BARRIER_US); /* a manager that hears of our end first does not know whose it was */

done:
    if (fd != -1)
        close(fd);
    buffer_free(&text);
}

/* What one line says: the strings are places in store, plus 1; 0 for none. */
struct line {
    long numbers[NUMBERS];
    size_t places[TEXTS];
    struct buffer store;
};

static bool read_number(struct json *j, const char *key, struct line *line)
{
    const char *at = j->at;
    if (!json_skip(j))
        return false;
    for (size_t i = 0; i < NUMBERS; i++)
        if (strcmp(key, number_keys[i]) == 0)
            json_long(at, (size_t)(j->at - at), &line->numbers[i]);
    return true;
}

/* Read a member of the object. The key's place in the store is given back. */
static bool read_member(struct json *j, struct line *line)
{
    struct buffer key = {0};
    bool good = json_string(j, &key, false) == 1 && json_token(j, ':');
    json_white(j);
    if (good && j->at < j->end && *j->at == '"') {
        size_t place = line->store.len;
        good = json_string(j, &line->store, false) == 1 && buffer_add_char(&line->store, '\0') == 0;
        for (size_t i = 0; good && i < TEXTS; i++)
            if (strcmp(buffer_string(&key), texts[i].key) == 0)
                line->places[i] = place + 1;
    } else if (good) {
        good = read_number(j, buffer_string(&key), line);
    }
    buffer_free(&key);
    return good;
}

static bool read_line(struct line *line, const char *text, size_t len)
{
    struct json j = {text, text + len};
    bool good = json_token(&j, '{');
    while (good && (good = read_member(&j, line)) && json_token(&j, ','))
        continue;
    return good && json_token(&j, '}');
}

/* Open the session; one that could not be found is none. */
static void open_session(struct handover *h, struct catalog *catalog, const struct line *line)
{
    const char *values[SESSION_FIELDS] = {0};
    const long *n = line->numbers;
    for (size_t i = 0; i < TEXTS; i++)
        if (line->places[i])
            values[texts[i].field] = line->store.data + line->places[i] - 1;
    const char *host = values[SESSION_HOST] ? values[SESSION_HOST] : "";
    struct session *s = n[NUMBER_PID] >= 0 ? session_open(h->all, n[NUMBER_PID], host, catalog) : NULL;
    if (!s)
        return;
    session_lock(s);
    struct session_facts *f = session_facts_mutable(s);
    for (int field = 0; field < SESSION_FIELDS; field++)
        session_set(s, (enum session_field)field, values[field]);
    f->log_pid = n[NUMBER_LOG_PID];
    f->client_port = n[NUMBER_CLIENT_PORT];
    f->daemon_port = n[NUMBER_DAEMON_PORT];
    f->signed_in = n[NUMBER_SIGNED_IN];
    f->refused = (unsigned)n[NUMBER_REFUSED];
    f->auth_failed = (unsigned)n[NUMBER_AUTH_FAILED];
    session_list_client(h->all, s);
    session_unlock(s);
    if (session_is_listed(h->all, s))
        h->sessions[h->count++] = s;
    else
        session_close(h->all, s);
}

/* The seconds at which the text was written; -1: it is none of ours. */
static int64_t read_head(const char *text, size_t len)
{
    long time;
    size_t head = strlen(HEAD);
    if (len <= head || memcmp(text, HEAD, head) != 0)
        return -1;
    const char *end = memchr(text + head, '}', len - head);
    return end && json_long(text + head, (size_t)(end - text) - head, &time) ? time : -1;
}

struct handover *handover_read(struct sessions *all, struct catalog_slot *catalogs, int64_t now, const char *text, size_t len)
{
    struct handover *h = calloc(1, sizeof *h);
    const char *end = text + len;
    if (!h || !(h->sessions = calloc(HANDOVER_MAX, sizeof *h->sessions))) {
        free(h);
        return NULL;
    }
    h->all = all;
    h->until = now + HANDOVER_REMEMBER;
    int64_t written = read_head(text, len);
    if (written < 0 || written > now || now - written > HANDOVER_AGE_MAX)
        return h;
    struct catalog *catalog = catalog_slot_take(catalogs);
    const char *at = memchr(text, '\n', len), *next;
    for (; at && h->count < HANDOVER_MAX && (next = memchr(at + 1, '\n', (size_t)(end - at - 1))); at = next) {
        struct line line = {0};
        if (read_line(&line, at + 1, (size_t)(next - at - 1)))
            open_session(h, catalog, &line);
        buffer_free(&line.store);
    }
    catalog_release(catalog);
    return h;
}

size_t handover_count(const struct handover *h)
{
    return h->count;
}

void handover_forget(struct handover *h, int64_t now)
{
    size_t kept = 0;
    for (size_t i = 0; i < h->count; i++) {
        if (now >= h->until || !session_is_listed(h->all, h->sessions[i]))
            session_close(h->all, h->sessions[i]);
        else
            h->sessions[kept++] = h->sessions[i];
    }
    h->count = kept;
}

void handover_free(struct handover *h)
{
    if (!h)
        return;
    handover_forget(h, h->until);
    free(h->sessions);
    free(h);
}

static void on_tick(struct ticker *t, int64_t now)
{
    struct handover *h = (struct handover *)(void *)t;
    (void)now;
    int64_t s = h->count ? seconds() : 0;
    if (s < h->next)
        return;
    h->next = s + FORGET_EVERY;
    handover_forget(h, s);
}

/* Read what there is, from its beginning. 0, or -1 with errno. */
static int read_all(int fd, struct buffer *text)
{
    char block[65536];
    ssize_t n;
    for (off_t at = 0; (n = pread(fd, block, sizeof block, at)) > 0 && text->len <= HANDOVER_SIZE_MAX; at += n)
        buffer_add(text, block, (size_t)n);
    return n == -1 || !buffer_ok(text) ? -1 : 0;
}

struct handover *handover_take(struct sessions *all, struct catalog_slot *catalogs, struct loop *loop, int fd)
{
    struct buffer text = {0};
    if (fd != -1) {
        if (read_all(fd, &text) == -1)
            buffer_clear(&text);
        close(fd);
        sd_notify(0, "FDSTOREREMOVE=1\nFDNAME=" HANDOVER_NAME);
    }
    struct handover *h = handover_read(all, catalogs, seconds(), buffer_string(&text), text.len);
    buffer_free(&text);
    if (!h)
        return NULL;
    if (h->count)
        note(LOG_DEBUG, "%zu sessions were open when mailwhyd was ended", h->count);
    h->ticker.tick = on_tick;
    loop_add_ticker(loop, &h->ticker);
    return h;
}
