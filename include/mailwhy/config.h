/* mailwhy.conf: what mailwhyd does. mailwhy.conf(5) describes each key. */
#ifndef MAILWHY_CONFIG_H
#define MAILWHY_CONFIG_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include <mailwhy/buffer.h>
#include <mailwhy/explain.h>
#include <mailwhy/privacy.h>

/* The Makefile says otherwise for another SYSCONFDIR. */
#ifndef CONFIG_FOLDER
#define CONFIG_FOLDER "/etc/mailwhy"
#endif
#define CONFIG_FILE CONFIG_FOLDER "/mailwhy.conf"
#define LOCAL_CATALOG_DIR CONFIG_FOLDER "/catalog"

#define CONFIG_NAME_MAX 32 /* octets of a wrapped milter's name */

/* A milter that mailwhyd stands before. */
struct config_wrap {
    const char *name; /* letters, digits, '_' and '-' */
    const char *listen, *to;
};

struct config {
    const char *socketmap_listen; /* "": no reply map */
    const char *milter_listen; /* "": no milter */
    const struct config_wrap *wraps; /* owned */
    size_t wrap_count;
    const char *user; /* "": stay who started it */
    const char *socket_group; /* "": leave it */
    mode_t socket_mode;
    const char *catalog;
    const char *local_catalog;
    struct explain_options explain;
    const char *event_log;
    const char *maillog_follow; /* a path, "journal", "journal:/FOLDER"; "": none */
    const char *maillog_state;
    bool log_refused, log_auth, log_accepted;
    enum privacy_how user_names, addresses; /* how they are written */
    const char *key_file; /* "": none; never with PRIVACY_HMAC */
    char *metrics_listen; /* owned; an endpoint; "": no metrics */
    void *tree; /* owns the strings */
    char *catalog_found; /* owned: the catalogue of a build tree */
    struct timespec changed; /* when the file was changed last; zeros: it was not there */
};

/* Read the file; each key that is not in it has its default. A missing file is a fault but where path is CONFIG_FILE: then all is default. 0,
 * or -1: faults has a line "FILE:LINE: what" for each. */
int config_load(struct config *c, const char *path, struct buffer *faults);
bool config_has_tokens(const struct config *c); /* some names are written by PRIVACY_HMAC */
bool config_is_current(const struct config *c, const char *path); /* the file is as it was when it was read */

/* Fault what the configuration names and the catalogue does not have. */
void config_check_names(const struct config *c, const struct catalog *catalog, const char *path, struct buffer *faults);

void config_free(struct config *c);

#endif
