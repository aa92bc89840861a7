#include <mailwhy/reload.h>

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include <systemd/sd-daemon.h>

#include <mailwhy/notes.h>

struct reloader {
    struct catalog_slot *slot;
    const struct catalog_source *source;
    struct metrics *metrics;
    pthread_t thread;
    sem_t asked;
    atomic_bool stopping;
};

/* Note each line of the faults. */
static void note_faults(struct buffer *faults)
{
    for (char *rest = faults->data, *line; rest && (line = strsep(&rest, "\n"));)
        if (*line)
            note(LOG_ERR, "%s", line);
}

static void reload(struct reloader *r)
{
    struct buffer faults = {0};
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    struct catalog *c = catalog_load(r->source, &faults);
    if (c && r->source->language && !catalog_has_language(c, r->source->language)) {
        buffer_printf(&faults, "explain: the catalogue has no language \"%s\" any more\n", r->source->language);
        catalog_release(c);
        c = NULL;
    }
    if (c) {
        note(LOG_INFO, "catalogue %s loaded: %zu reasons", catalog_version(c), catalog_reason_count(c));
        catalog_slot_publish(r->slot, c);
    } else {
        note_faults(&faults);
        note(LOG_ERR, "the catalogue was not loaded; the one before it stays in use");
    }
    metrics_reloaded(r->metrics, c != NULL);
    buffer_free(&faults);
    sd_notify(0, "READY=1");
}

static void *run(void *context)
{
    struct reloader *r = context;
    for (;;) {
        while (sem_wait(&r->asked) == -1 && errno == EINTR)
            continue;
        if (atomic_load(&r->stopping))
            return NULL;
        reload(r);
    }
}

struct reloader *reloader_new(struct catalog_slot *slot, const struct catalog_source *source, struct metrics *metrics)
{
    struct reloader *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->slot = slot;
    r->source = source;
    r->metrics = metrics;
    sem_init(&r->asked, 0, 0);
    int error = pthread_create(&r->thread, NULL, run, r);
    if (error) {
        sem_destroy(&r->asked);
        free(r);
        errno = error;
        return NULL;
    }
    return r;
}

void reloader_ask(struct reloader *r)
{
    sem_post(&r->asked);
}

void reloader_free(struct reloader *r)
{
    if (!r)
        return;
    atomic_store(&r->stopping, true);
    sem_post(&r->asked);
    pthread_join(r->thread, NULL);
    sem_destroy(&r->asked);
    free(r);
}
