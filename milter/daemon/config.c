#include <mailwhy/config.h>

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mailwhy/catalog_dir.h>
#include <mailwhy/conf_file.h>
#include <mailwhy/endpoint.h>

#define URL_MAX 400
#define CONTACT_MAX 90 /* octets: one line of a reply */

/* A socket mode: up to four octal digits. -1 for anything else. */
static int mode_parse(const char *s)
{
    if (!*s || strlen(s) > 4 || s[strspn(s, "01234567")])
        return -1;
    return (int)strtol(s, NULL, 8);
}

static int check_listen(cfg_t *cfg, cfg_opt_t *opt)
{
    const char *wrong = *cfg_opt_getstr(opt) ? endpoint_fault(cfg_opt_getstr(opt)) : NULL;
    if (wrong)
        cfg_error(cfg, "%s = \"%s\": %s", cfg_opt_name(opt), cfg_opt_getstr(opt), wrong);
    return 0;
}

/* What stands behind "wrap": a name that may stand in an event and in a file's name. */
static int check_wrap(cfg_t *cfg, cfg_opt_t *opt)
{
    const char *name = cfg_title(cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1));
    size_t len = strlen(name);
    if (len == 0 || len > CONFIG_NAME_MAX ||
        name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")])
        cfg_error(cfg, "wrap \"%s\": the name must be 1 to %d of A-Z, a-z, 0-9, _ and -", name, CONFIG_NAME_MAX);
    return 0;
}

static int check_host_port(cfg_t *cfg, cfg_opt_t *opt)
{
    struct buffer endpoint = {0};
    if (*cfg_opt_getstr(opt) && endpoint_from_host_port(cfg_opt_getstr(opt), &endpoint) == -1)
        cfg_error(cfg, "%s = \"%s\": must be HOST:PORT, as in \"127.0.0.1:9807\"", cfg_opt_name(opt), cfg_opt_getstr(opt));
    buffer_free(&endpoint);
    return 0;
}

static int check_mode(cfg_t *cfg, cfg_opt_t *opt)
{
    if (mode_parse(cfg_opt_getstr(opt)) == -1)
        cfg_error(cfg, "socket_mode = \"%s\": must be octal, as in \"0660\"", cfg_opt_getstr(opt));
    return 0;
}

static int check_path(cfg_t *cfg, cfg_opt_t *opt)
{
    if (*cfg_opt_getstr(opt) != '/')
        cfg_error(cfg, "%s = \"%s\": must be a path that begins with /", cfg_opt_name(opt), cfg_opt_getstr(opt));
    return 0;
}

static int check_optional_path(cfg_t *cfg, cfg_opt_t *opt)
{
    return *cfg_opt_getstr(opt) ? check_path(cfg, opt) : 0;
}

/* What is followed: a path, or a journal. */
static int check_followed(cfg_t *cfg, cfg_opt_t *opt)
{
    const char *log = cfg_opt_getstr(opt);
    if (*log && *log != '/' && strcmp(log, "journal") != 0 && strncmp(log, "journal:/", 9) != 0)
        cfg_error(cfg, "%s = \"%s\": must be a path that begins with /, \"journal\" or \"journal:/FOLDER\"", cfg_opt_name(opt),
                  log);
    return 0;
}

static int check_privacy(cfg_t *cfg, cfg_opt_t *opt)
{
    if (privacy_how_from_name(cfg_opt_getstr(opt)) == -1)
        cfg_error(cfg, "%s = \"%s\": must be plain, mask or hmac", cfg_opt_name(opt), cfg_opt_getstr(opt));
    return 0;
}

static int check_style(cfg_t *cfg, cfg_opt_t *opt)
{
    if (explain_style_from_name(cfg_opt_getstr(opt)) == -1)
        cfg_error(cfg, "style = \"%s\": must be full, short, inline or ref", cfg_opt_getstr(opt));
    return 0;
}

/* A text that goes into replies as it is. */
static int check_reply_text(cfg_t *cfg, cfg_opt_t *opt)
{
    const char *s = cfg_opt_getstr(opt);
    size_t max = strcmp(cfg_opt_name(opt), "contact") == 0 ? CONTACT_MAX : URL_MAX;
    if (strlen(s) > max)
        cfg_error(cfg, "%s is longer than %zu octets", cfg_opt_name(opt), max);
    for (; *s; s++) {
        if (*s < ' ' || *s > '~') {
            cfg_error(cfg, "%s must be printable ASCII: it goes into replies", cfg_opt_name(opt));
            break;
        }
    }
    return 0;
}

static int check_log(cfg_t *cfg, cfg_opt_t *opt)
{
    const char *what = cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1);
    if (strcmp(what, "refused") != 0 && strcmp(what, "auth") != 0 && strcmp(what, "accepted") != 0)
        cfg_error(cfg, "log: \"%s\" is none of refused, auth, accepted", what);
    return 0;
}

static cfg_opt_t socketmap_options[] = {CFG_STR("listen", "unix:/var/spool/postfix/mailwhy/reply", CFGF_NONE), CFG_END()};
static cfg_opt_t milter_options[] = {CFG_STR("listen", "unix:/var/spool/postfix/mailwhy/milter", CFGF_NONE), CFG_END()};
static cfg_opt_t maillog_options[] = {CFG_STR("follow", "", CFGF_NONE), CFG_STR("state", "/var/lib/mailwhy/maillog", CFGF_NONE),
                                      CFG_END()};
static cfg_opt_t wrap_options[] = {CFG_STR("listen", "", CFGF_NONE), CFG_STR("to", "", CFGF_NONE), CFG_END()};
static cfg_opt_t explain_options[] = {CFG_STR("language", "en", CFGF_NONE),  CFG_STR("style", "full", CFGF_NONE),
                                      CFG_STR("help_url", "", CFGF_NONE),    CFG_STR("contact", "", CFGF_NONE),
                                      CFG_STR_LIST("skip", "{}", CFGF_NONE), CFG_END()};
static cfg_opt_t privacy_options[] = {CFG_STR("user", "plain", CFGF_NONE), CFG_STR("address", "plain", CFGF_NONE),
                                      CFG_STR("key_file", "", CFGF_NONE), CFG_END()};
static cfg_opt_t metrics_options[] = {CFG_STR("listen", "", CFGF_NONE), CFG_END()};
static cfg_opt_t options[] = {CFG_SEC("socketmap", socketmap_options, CFGF_NONE),
                              CFG_SEC("milter", milter_options, CFGF_NONE),
                              CFG_SEC("wrap", wrap_options, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
                              CFG_STR("user", "mailwhy", CFGF_NONE),
                              CFG_STR("socket_group", "postfix", CFGF_NONE),
                              CFG_STR("socket_mode", "0660", CFGF_NONE),
                              CFG_STR("catalog", CATALOG_DIR, CFGF_NONE),
                              CFG_STR("local_catalog", LOCAL_CATALOG_DIR, CFGF_NONE),
                              CFG_SEC("explain", explain_options, CFGF_NONE),
                              CFG_STR("event_log", "/var/log/mailwhy/events.jsonl", CFGF_NONE),
                              CFG_STR_LIST("log", "{\"refused\", \"auth\"}", CFGF_NONE),
                              CFG_SEC("maillog", maillog_options, CFGF_NONE),
                              CFG_SEC("privacy", privacy_options, CFGF_NONE),
                              CFG_SEC("metrics", metrics_options, CFGF_NONE),
                              CFG_END()};

static void prepare(cfg_t *cfg)
{
    static const struct {
        const char *name;
        cfg_validate_callback_t check;
    } checks[] = {{"socketmap|listen", check_listen},
                  {"milter|listen", check_listen},
                  {"wrap|listen", check_listen},
                  {"wrap|to", check_listen},
                  {"wrap", check_wrap},
                  {"socket_mode", check_mode},
                  {"catalog", check_path},
                  {"local_catalog", check_path},
                  {"event_log", check_path},
                  {"explain|style", check_style},
                  {"explain|help_url", check_reply_text},
                  {"explain|contact", check_reply_text},
                  {"log", check_log},
                  {"maillog|follow", check_followed},
                  {"maillog|state", check_path},
                  {"privacy|user", check_privacy},
                  {"privacy|address", check_privacy},
                  {"privacy|key_file", check_optional_path},
                  {"metrics|listen", check_host_port}};
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        cfg_set_validate_func(cfg, checks[i].name, checks[i].check);
}

static bool list_has(cfg_t *cfg, const char *list, const char *what)
{
    for (unsigned i = 0; i < cfg_size(cfg, list); i++)
        if (strcmp(cfg_getnstr(cfg, list, i), what) == 0)
            return true;
    return false;
}

/* 0, or -1 with errno ENOMEM. */
static int take_explain(struct explain_options *to, cfg_t *section)
{
    unsigned count = cfg_size(section, "skip");
    const char **skip = calloc(count + 1, sizeof *skip);
    if (!skip)
        return -1;
    for (unsigned i = 0; i < count; i++)
        skip[i] = cfg_getnstr(section, "skip", i);
    *to = (struct explain_options){.style = (enum explain_style)explain_style_from_name(cfg_getstr(section, "style")),
                                   .language = cfg_getstr(section, "language"),
                                   .help_url = cfg_getstr(section, "help_url"),
                                   .contact = cfg_getstr(section, "contact"),
                                   .skip = skip,
                                   .skip_count = count};
    return 0;
}

/* 0, or -1 with errno ENOMEM. */
static int take_wraps(struct config *c, cfg_t *cfg)
{
    unsigned count = cfg_size(cfg, "wrap");
    struct config_wrap *wraps = calloc(count + 1, sizeof *wraps);
    if (!wraps)
        return -1;
    for (unsigned i = 0; i < count; i++) {
        cfg_t *section = cfg_getnsec(cfg, "wrap", i);
        wraps[i] = (struct config_wrap){cfg_title(section), cfg_getstr(section, "listen"), cfg_getstr(section, "to")};
    }
    c->wraps = wraps;
    c->wrap_count = count;
    return 0;
}

bool config_has_tokens(const struct config *c)
{
    return c->user_names == PRIVACY_HMAC || c->addresses == PRIVACY_HMAC;
}

static enum privacy_how how(cfg_t *cfg, const char *key)
{
    return (enum privacy_how)privacy_how_from_name(cfg_getstr(cfg, key));
}

static int take_metrics(struct config *c, const char *host_port)
{
    struct buffer endpoint = {0};
    buffer_add_string(&endpoint, "");
    if (*host_port && endpoint_from_host_port(host_port, &endpoint) == -1)
        return -1;
    c->metrics_listen = endpoint.data;
    return endpoint.data ? 0 : -1;
}

static int take(struct config *c, cfg_t *cfg)
{
    c->socketmap_listen = cfg_getstr(cfg, "socketmap|listen");
    c->milter_listen = cfg_getstr(cfg, "milter|listen");
    c->user = cfg_getstr(cfg, "user");
    c->socket_group = cfg_getstr(cfg, "socket_group");
    c->socket_mode = (mode_t)mode_parse(cfg_getstr(cfg, "socket_mode"));
    c->catalog = cfg_getstr(cfg, "catalog");
    c->local_catalog = cfg_getstr(cfg, "local_catalog");
    c->event_log = cfg_getstr(cfg, "event_log");
    c->maillog_follow = cfg_getstr(cfg, "maillog|follow");
    c->maillog_state = cfg_getstr(cfg, "maillog|state");
    c->log_refused = list_has(cfg, "log", "refused");
    c->log_auth = list_has(cfg, "log", "auth");
    c->log_accepted = list_has(cfg, "log", "accepted");
    c->user_names = how(cfg, "privacy|user");
    c->addresses = how(cfg, "privacy|address");
    c->key_file = cfg_getstr(cfg, "privacy|key_file");
    if (take_metrics(c, cfg_getstr(cfg, "metrics|listen")) == -1)
        return -1;
    if (strcmp(c->catalog, CATALOG_DIR) == 0) { /* not set: a build tree finds its own */
        c->catalog_found = catalog_dir_find(NULL);
        if (!c->catalog_found)
            return -1;
        c->catalog = c->catalog_found;
    }
    if (take_wraps(c, cfg) == -1)
        return -1;
    return take_explain(&c->explain, cfg_getsec(cfg, "explain"));
}

/* Fault two that listen at one place, and a wrapped milter of which something is missing or that is wrapped in itself. */
static void check_places(const struct config *c, const char *path, struct buffer *faults)
{
    if (*c->socketmap_listen && strcmp(c->socketmap_listen, c->milter_listen) == 0)
        buffer_printf(faults, "%s:0: socketmap and milter both listen at \"%s\"; each needs its own\n", path,
                      c->socketmap_listen);
    for (size_t i = 0; i < c->wrap_count; i++) {
        const struct config_wrap *w = &c->wraps[i];
        if (!*w->listen || !*w->to) {
            buffer_printf(faults,
                          "%s:0: wrap %s: needs listen, where the mail server connects, and to, where the milter listens\n", path,
                          w->name);
            continue;
        }
        const char *same = strcmp(w->listen, c->socketmap_listen) == 0 ? "socketmap"
                           : strcmp(w->listen, c->milter_listen) == 0  ? "milter"
                                                                       : NULL;
        for (size_t j = 0; j < i && !same; j++)
            same = strcmp(w->listen, c->wraps[j].listen) == 0 ? c->wraps[j].name : NULL;
        if (same)
            buffer_printf(faults, "%s:0: wrap %s listens at \"%s\", as %s does; each needs its own\n", path, w->name, w->listen,
                          same);
        for (size_t j = 0; j < c->wrap_count; j++)
            if (strcmp(w->to, c->wraps[j].listen) == 0)
                buffer_printf(faults, "%s:0: wrap %s: to = \"%s\" is where mailwhyd itself listens\n", path, w->name, w->to);
    }
}

/* Fault two files that are one: what is kept in the one would take the place of the other. */
static void check_files(const struct config *c, const char *path, struct buffer *faults)
{
    const struct {
        const char *key, *file;
    } files[] = {{"event_log", c->event_log},
                 {"maillog: follow", c->maillog_follow},
                 {"maillog: state", c->maillog_state},
                 {"privacy: key_file", c->key_file}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        for (size_t j = 0; j < i; j++)
            if (*files[i].file && strcmp(files[i].file, files[j].file) == 0)
                buffer_printf(faults, "%s:0: %s and %s are both \"%s\"; each needs its own\n", path, files[j].key, files[i].key,
                              files[i].file);
}

/* When the file was changed last; zeros: it is not there. */
static struct timespec time_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? st.st_mtim : (struct timespec){0};
}

bool config_is_current(const struct config *c, const char *path)
{
    struct timespec now = time_of(path);
    return now.tv_sec == c->changed.tv_sec && now.tv_nsec == c->changed.tv_nsec;
}

int config_load(struct config *c, const char *path, struct buffer *faults)
{
    *c = (struct config){.changed = time_of(path)};
    size_t before = faults->len;
    const char *file = strcmp(path, CONFIG_FILE) == 0 && access(path, F_OK) == -1 && errno == ENOENT ? "/dev/null" : path;
    cfg_t *cfg = conf_file_parse(file, options, prepare, faults);
    c->tree = cfg;
    if (!cfg || faults->len > before)
        goto fail;
    if (take(c, cfg) == -1) {
        buffer_printf(faults, "%s:0: out of memory\n", path);
        goto fail;
    }
    check_places(c, path, faults);
    check_files(c, path, faults);
    if (config_has_tokens(c) && !*c->key_file)
        buffer_printf(faults, "%s:0: privacy: hmac needs a key_file, such as \"/var/lib/mailwhy/privacy.key\"\n", path);
    if (faults->len > before)
        goto fail;
    return 0;

fail:
    config_free(c);
    return -1;
}

void config_check_names(const struct config *c, const struct catalog *catalog, const char *path, struct buffer *faults)
{
    if (!catalog_has_language(catalog, c->explain.language))
        buffer_printf(faults, "%s:0: explain: the catalogue has no language \"%s\"\n", path, c->explain.language);
    for (size_t i = 0; i < c->explain.skip_count; i++) {
        const char *name = c->explain.skip[i];
        const struct catalog_reason *reason = catalog_reason_by_id(catalog, name);
        if (reason && reason->shown != reason)
            buffer_printf(faults, "%s:0: explain: skip: clients are shown \"%s\" as \"%s\": skip that one, or neither\n", path,
                          name, reason->shown->id);
        else if (!reason && !(strlen(name) == 3 && strspn(name, "0123456789") == 3 && (*name == '4' || *name == '5')))
            buffer_printf(faults,
                          "%s:0: explain: skip: \"%s\" is neither a reply code (4xx, 5xx) nor a reason of the catalogue\n", path,
                          name);
    }
}

void config_free(struct config *c)
{
    if (c->tree)
        cfg_free(c->tree);
    free((void *)(uintptr_t)c->explain.skip);
    free((void *)(uintptr_t)c->wraps);
    free(c->catalog_found);
    free(c->metrics_listen);
    *c = (struct config){0};
}
