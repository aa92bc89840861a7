/* mailwhyd: see mailwhyd(8). */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif
#include <systemd/sd-daemon.h>

#include <mailwhy/authlog.h>
#include <mailwhy/config.h>
#include <mailwhy/handover.h>
#include <mailwhy/listeners.h>
#include <mailwhy/loop.h>
#include <mailwhy/metrics_http.h>
#include <mailwhy/milter.h>
#include <mailwhy/names.h>
#include <mailwhy/notes.h>
#include <mailwhy/privileges.h>
#include <mailwhy/reload.h>
#include <mailwhy/replymap.h>
#include <mailwhy/socketmap.h>
#include <mailwhy/watchdog.h>
#include <mailwhy/wraps.h>

#include "arguments.h"
#include "signals.h"

#define STOP_MS 1000

struct daemon {
    struct config config;
    const char *file; /* the configuration's */
    struct privileges privileges;
    struct service service;
    struct catalog_source source;
    struct loop *loop;
    struct reloader *reloader;
    struct listeners *listeners;
    int signals; /* where they arrive */
    int reply_listener, milter_listener, metrics_listener; /* -1: none */
    struct wraps *wraps;
    struct handover *handover;
    struct metrics_http *metrics;
    bool verbose;
    char host[256];
};

struct signal_watch {
    struct watch watch;
    struct daemon *daemon;
};

static void signals_ready(struct watch *w, uint32_t events)
{
    struct daemon *d = ((struct signal_watch *)w)->daemon;
    char signals[64];
    (void)events;
    ssize_t n = read(w->fd, signals, sizeof signals);
    for (ssize_t i = 0; i < n; i++) {
        if (signals[i] == SIGCONT) {
            milter_wake();
            continue;
        }
        if (signals[i] != SIGHUP) {
            loop_stop(d->loop);
            return;
        }
        if (event_log_reopen(d->service.log) == -1) {
            note(LOG_ERR, "%s: cannot be opened anew: %s; the file that was open stays in use", d->config.event_log,
                 strerror(errno));
            metrics_fault(d->service.metrics, FAULT_LOG_REOPEN);
        }
        if (!config_is_current(&d->config, d->file))
            note(LOG_WARNING, "%s has changed: it is read at the start alone, so restart mailwhyd for that", d->file);
        names_key_reload(&d->config, &d->service);
        reloader_ask(d->reloader);
    }
}

/* Read configuration and catalogue, to test them with the texts in all languages. 0, or -1: the faults are on stderr. */
static int load(struct daemon *d, const char *file, bool test)
{
    struct buffer faults = {0};
    struct catalog *catalog = NULL;
    int result = -1;
    if (config_load(&d->config, file, &faults) == -1)
        goto done;
    d->source = (struct catalog_source){.dir = d->config.catalog,
                                        .local_dir = d->config.local_catalog,
                                        .language = test ? NULL : d->config.explain.language,
                                        .test = test};
    catalog = catalog_load(&d->source, &faults);
    if (!catalog)
        goto done;
    config_check_names(&d->config, catalog, file, &faults);
    if (test)
        names_key_check(&d->config, file, &faults);
    if (faults.len)
        goto done;
    d->service.catalogs = catalog_slot_new(catalog);
    if (d->service.catalogs) {
        catalog = NULL;
        result = 0;
    }

done:
    if (result == -1)
        fputs(faults.len ? faults.data : "mailwhyd: out of memory\n", stderr);
    catalog_release(catalog);
    buffer_free(&faults);
    return result;
}

/* Listen, become the user, open the log. 0, or -1 with a sentence in fault. */
static int take_places(struct daemon *d, struct buffer *fault)
{
    const struct config *c = &d->config;
    struct rlimit files;
    if (privileges_find(&d->privileges, c->user, c->socket_group, fault) == -1)
        return -1;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    struct endpoint_owner owner = {d->privileges.uid, d->privileges.socket_gid, c->socket_mode};
    if (!(d->listeners = listeners_new())) {
        buffer_add_string(fault, strerror(errno));
        return -1;
    }
    if (*c->socketmap_listen &&
        (d->reply_listener = listeners_take(d->listeners, "socketmap", c->socketmap_listen, &owner, fault)) == -1)
        return -1;
    if (*c->milter_listen && (d->milter_listener = listeners_take(d->listeners, "milter", c->milter_listen, &owner, fault)) == -1)
        return -1;
    if (!(d->wraps = wraps_listen(c, d->listeners, &owner, fault)))
        return -1;
    if (*c->metrics_listen &&
        (d->metrics_listener = listeners_take(d->listeners, "metrics", c->metrics_listen, &owner, fault)) == -1) {
        buffer_add_string(fault, " (metrics)");
        return -1;
    }
    privileges_make_folder(&d->privileges, c->event_log);
    if (*c->maillog_follow)
        privileges_make_folder(&d->privileges, c->maillog_state);
    if (names_key_make(c, &d->privileges, fault) == -1 || privileges_drop(&d->privileges, fault) == -1 ||
        names_key_load(c, &d->service, fault) == -1)
        return -1;
    d->service.log = event_log_open(c->event_log);
    if (!d->service.log) {
        buffer_printf(fault, "%s: the event log cannot be opened: %s", c->event_log, strerror(errno));
        return -1;
    }
    return 0;
}

static int fill_service(struct daemon *d)
{
    struct service *s = &d->service;
    const struct config *c = &d->config;
    if (gethostname(d->host, sizeof d->host - 1) == -1)
        d->host[0] = '\0';
    s->sessions = sessions_new();
    s->proxied = sessions_new();
    s->explained_before = explained_new();
    s->metrics = metrics_new();
    s->explain = c->explain;
    s->privacy.user = c->user_names;
    s->privacy.address = c->addresses;
    s->tell = note_event;
    s->warn = note;
    s->log_refused = c->log_refused;
    s->log_auth = c->log_auth;
    s->log_accepted = c->log_accepted;
    s->host = d->host;
    return s->sessions && s->proxied && s->explained_before && s->metrics ? 0 : -1;
}

static void add_metrics(void *service, struct buffer *out)
{
    metrics_text(service, out);
}

/* Serve until a signal ends it. 0, or -1 with errno. */
static int serve(struct daemon *d)
{
    struct signal_watch signals = {.watch = {.fd = d->signals, .events = EPOLLIN, .ready = signals_ready}, .daemon = d};
    struct replymap *replymap = replymap_new(&d->service);
    struct socketmap *socketmap = NULL;
    struct watchdog *watchdog = NULL;
    struct authlog *authlog = NULL;
    const struct authlog_options follow = {d->config.maillog_follow, d->config.maillog_state, d->config.event_log};
    int result = -1;
    d->handover = handover_take(d->service.sessions, d->service.catalogs, d->loop, listeners_take_stored(d->listeners));
    if (!d->handover || !replymap || loop_add(d->loop, &signals.watch) == -1)
        goto done;
    if (d->reply_listener != -1 && !(socketmap = socketmap_new(d->loop, &d->reply_listener, 1, replymap_answer, replymap)))
        goto done;
    if (listeners_refuse_rest(d->listeners, d->loop) == -1)
        goto done;
    if (wraps_start(d->wraps, &d->service) == -1)
        goto done;
    if (!(watchdog = watchdog_new(d->loop, d->reply_listener, wraps_proxy(d->wraps))))
        goto done;
    if (d->milter_listener != -1 && milter_start(&d->service, d->milter_listener) == -1)
        goto done;
    if (*follow.log && d->config.log_refused && !(authlog = authlog_start(&d->service, &follow)))
        goto done;
    if (d->metrics_listener != -1 && !(d->metrics = metrics_http_start(d->loop, d->metrics_listener, add_metrics, &d->service)))
        goto done;
    signals_block(false);
    note(LOG_DEBUG, "reply map at %s, milter at %s, catalogue %s, events to %s", d->config.socketmap_listen,
         d->config.milter_listen, d->config.catalog, d->config.event_log);
    struct catalog *catalog = catalog_slot_take(d->service.catalogs);
    note(LOG_INFO, "mailwhyd %s ready, catalogue %s", MAILWHY_VERSION, catalog_version(catalog));
    catalog_release(catalog);
    sd_notify(0, "READY=1");
    result = loop_run(d->loop);
    sd_notify(0, "STOPPING=1");
    if (socketmap)
        socketmap_finish(socketmap);
    /* No session may begin in a known process without our successor seeing it. */
    if (listeners_is_passed(d->listeners, d->milter_listener) && milter_leave_listener() == 0)
        handover_give(d->service.sessions);

done:
    authlog_stop(authlog);
    watchdog_free(watchdog);
    socketmap_free(socketmap);
    replymap_free(replymap);
    return result;
}

static int run(struct daemon *d)
{
    int result = -1;
    signals_block(true);
    d->loop = loop_new();
    d->signals = signals_catch();
    if (d->loop && d->signals != -1 && notes_start(d->verbose) == 0 && fill_service(d) == 0)
        d->reloader = reloader_new(d->service.catalogs, &d->source, d->service.metrics);
    if (d->reloader)
        result = serve(d);
    if (result == -1)
        note(LOG_ERR, "cannot serve: %s", strerror(errno));
    return result;
}

/* End the process, with the milter's threads at work: what they use stays as it is, and no handler of exit(3) takes it from them. */
static _Noreturn void end(struct daemon *d, int status)
{
    metrics_http_stop(d->metrics);
    reloader_free(d->reloader);
    note(LOG_INFO, "mailwhyd ends");
    notes_stop(STOP_MS);
#ifdef __SANITIZE_ADDRESS__
    __lsan_do_leak_check();
#endif
    _exit(status);
}

/* Let nothing that is opened become stdin, stdout or stderr where the starter has closed these. */
static void fill_standard_streams(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
}

int main(int argc, char **argv)
{
    struct arguments arguments;
    struct buffer fault = {0};
    static struct daemon d = {
        .reply_listener = -1, .milter_listener = -1, .metrics_listener = -1, .service.privacy_lock = PTHREAD_MUTEX_INITIALIZER};
    fill_standard_streams();
    int status = arguments_parse(&arguments, argc, argv);
    if (status)
        return status - 1;
    if (load(&d, arguments.file, arguments.test) == -1)
        return EX_CONFIG;
    if (arguments.test) {
        struct catalog *catalog = catalog_slot_take(d.service.catalogs);
        if (arguments.verbose)
            printf("mailwhyd: %s and the catalogue %s are good; the catalogue's version is %s\n", arguments.file,
                   d.config.catalog, catalog_version(catalog));
        catalog_release(catalog);
        return EX_OK;
    }
    d.file = arguments.file;
    d.verbose = arguments.verbose;
    bool placed = take_places(&d, &fault) == 0;
    int result = placed ? run(&d) : -1;
    if (!placed)
        fprintf(stderr, "mailwhyd: %s\n", buffer_string(&fault));
    wraps_end(d.wraps);
    listeners_end(d.listeners);
    buffer_free(&fault);
    if (!placed)
        return EX_UNAVAILABLE;
    end(&d, result == 0 ? EX_OK : EX_OSERR);
}
