#include <mailwhy/session.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 4096

struct session {
    struct session *next; /* in its bucket */
    struct session **bucket; /* where it is listed */
    atomic_uint users;
    bool listed;
    char *host;
    struct catalog *catalog;
    pthread_mutex_t lock;
    struct session_facts facts;
};

struct sessions {
    pthread_mutex_t lock;
    size_t count;
    struct session *buckets[BUCKETS];
};

static struct session **bucket_of(struct sessions *all, long pid)
{
    return &all->buckets[(unsigned long)pid % BUCKETS];
}

static struct session **bucket_of_client(struct sessions *all, const char *addr, long port)
{
    unsigned long hash = (unsigned long)port;
    for (; *addr; addr++)
        hash = hash * 31 + (unsigned char)*addr;
    return &all->buckets[hash % BUCKETS];
}

struct sessions *sessions_new(void)
{
    struct sessions *all = calloc(1, sizeof *all);
    if (all)
        pthread_mutex_init(&all->lock, NULL);
    return all;
}

void sessions_free(struct sessions *all)
{
    if (!all)
        return;
    pthread_mutex_destroy(&all->lock);
    free(all);
}

size_t sessions_count(struct sessions *all)
{
    pthread_mutex_lock(&all->lock);
    size_t count = all->count;
    pthread_mutex_unlock(&all->lock);
    return count;
}

/* Take out of its bucket; the table's lock is held. */
static void unlist(struct session *s)
{
    for (struct session **at = s->bucket; *at; at = &(*at)->next) {
        if (*at == s) {
            *at = s->next;
            s->listed = false;
            return;
        }
    }
}

/* Put at the head of a bucket, in the place of old (NULL: of none); the table's lock is held. */
static void list(struct session *s, struct session **bucket, struct session *old)
{
    if (old)
        unlist(old);
    s->next = *bucket;
    s->bucket = bucket;
    *bucket = s;
    s->listed = true;
}

struct session *session_open(struct sessions *all, long pid, const char *host, struct catalog *catalog)
{
    struct session *s = calloc(1, sizeof *s);
    if (!s || !(s->host = strdup(host))) {
        free(s);
        return NULL;
    }
    atomic_init(&s->users, 1);
    pthread_mutex_init(&s->lock, NULL);
    s->catalog = catalog_retain(catalog);
    s->facts.pid = pid;

    pthread_mutex_lock(&all->lock);
    all->count++;
    if (pid > 0) {
        struct session *old = *bucket_of(all, pid);
        while (old && (old->facts.pid != pid || strcmp(old->host, host) != 0))
            old = old->next;
        list(s, bucket_of(all, pid), old);
    }
    pthread_mutex_unlock(&all->lock);
    return s;
}

void session_close(struct sessions *all, struct session *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&all->lock);
    all->count--;
    if (s->listed)
        unlist(s);
    pthread_mutex_unlock(&all->lock);
    session_release(s);
}

struct session *session_find(struct sessions *all, long pid, const char *host)
{
    struct session *found = NULL;
    pthread_mutex_lock(&all->lock);
    for (struct session *s = *bucket_of(all, pid); s; s = s->next) {
        if (s->facts.pid != pid || (*host && strcmp(s->host, host) != 0))
            continue;
        if (found) { /* two hosts have that process: nobody can say which is meant */
            found = NULL;
            break;
        }
        found = s;
    }
    if (found)
        atomic_fetch_add(&found->users, 1);
    pthread_mutex_unlock(&all->lock);
    return found;
}

/* The listed session of that client in its bucket, NULL for none; the table's lock is held. */
static struct session *of_client(struct session *first, const char *addr, long port, const char *host)
{
    struct session *s = first;
    while (s && (s->facts.pid || s->facts.client_port != port || strcmp(s->facts.field[SESSION_CLIENT_ADDR], addr) != 0 ||
                 strcmp(s->host, host) != 0))
        s = s->next;
    return s;
}

void session_list_client(struct sessions *all, struct session *s)
{
    const char *addr = s->facts.field[SESSION_CLIENT_ADDR];
    long port = s->facts.client_port;
    if (s->facts.pid || !addr || !port)
        return;
    struct session **bucket = bucket_of_client(all, addr, port);
    pthread_mutex_lock(&all->lock);
    if (!s->listed)
        list(s, bucket, of_client(*bucket, addr, port, s->host));
    pthread_mutex_unlock(&all->lock);
}

struct session *session_find_client(struct sessions *all, const char *addr, long port, const char *host)
{
    pthread_mutex_lock(&all->lock);
    struct session *found = of_client(*bucket_of_client(all, addr, port), addr, port, host);
    if (found)
        atomic_fetch_add(&found->users, 1);
    pthread_mutex_unlock(&all->lock);
    return found;
}

struct session *session_find_logged(struct sessions *all, long log_pid, const char *addr)
{
    struct session *found = NULL;
    size_t count = 0;
    pthread_mutex_lock(&all->lock);
    for (size_t i = 0; log_pid > 0 && i < BUCKETS; i++) {
        for (struct session *s = all->buckets[i]; s; s = s->next) {
            if (s->facts.pid || s->facts.log_pid != log_pid || (addr && strcmp(s->facts.field[SESSION_CLIENT_ADDR], addr) != 0))
                continue;
            found = s;
            count++;
        }
    }
    if (count != 1)
        found = NULL;
    if (found)
        atomic_fetch_add(&found->users, 1);
    pthread_mutex_unlock(&all->lock);
    return found;
}

size_t sessions_listed(struct sessions *all, struct session **out, size_t max)
{
    size_t count = 0;
    pthread_mutex_lock(&all->lock);
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct session *s = all->buckets[i]; s && count < max; s = s->next) {
            atomic_fetch_add(&s->users, 1);
            out[count++] = s;
        }
    }
    pthread_mutex_unlock(&all->lock);
    return count;
}

bool session_is_listed(struct sessions *all, const struct session *s)
{
    pthread_mutex_lock(&all->lock);
    bool listed = s->listed;
    pthread_mutex_unlock(&all->lock);
    return listed;
}

void session_release(struct session *s)
{
    if (!s || atomic_fetch_sub(&s->users, 1) != 1)
        return;
    for (int field = 0; field < SESSION_FIELDS; field++)
        session_set(s, (enum session_field)field, NULL);
    catalog_release(s->catalog);
    pthread_mutex_destroy(&s->lock);
    free(s->host);
    free(s);
}

void session_lock(struct session *s)
{
    pthread_mutex_lock(&s->lock);
}

void session_unlock(struct session *s)
{
    pthread_mutex_unlock(&s->lock);
}

const struct session_facts *session_facts(const struct session *s)
{
    return &s->facts;
}

struct session_facts *session_facts_mutable(struct session *s)
{
    return &s->facts;
}

struct catalog *session_catalog(const struct session *s)
{
    return s->catalog;
}

int session_set(struct session *s, enum session_field field, const char *value)
{
    const char *old = s->facts.field[field];
    if (old && value && strcmp(old, value) == 0)
        return 0;
    free((void *)(uintptr_t)old);
    s->facts.field[field] = NULL;
    if (!value || !*value)
        return 0;
    s->facts.field[field] = strdup(value);
    return s->facts.field[field] ? 0 : -1;
}

void session_message_reset(struct session *s)
{
    for (int field = SESSION_MESSAGE_FIELDS; field < SESSION_FIELDS; field++)
        session_set(s, (enum session_field)field, NULL);
    s->facts.smtputf8 = false;
    s->facts.message_sent = false;
}
