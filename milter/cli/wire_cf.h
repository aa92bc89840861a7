/* sendmail.cf, which m4 makes of sendmail.mc, and the Sendmail that runs by it. */
#ifndef WIRE_CF_H
#define WIRE_CF_H

#include <stdbool.h>
#include <sys/stat.h>

#include <glib.h>

#include <mailwhy/buffer.h>

struct wire_cf {
    const char *mc; /* the path of sendmail.mc */
    char *path; /* of what is made of it: sendmail.cf beside it */
    struct buffer text; /* what it is; "" where it cannot be read */
    struct stat st;
    char *left; /* why it is not to be made anew here; NULL: it is what m4 makes of sendmail.mc */
    bool made; /* it was made anew */
    bool running, told, restarted; /* a Sendmail runs by it; was told to begin anew; has done so */
};

/* Find it. wire_cf_close() afterwards. */
void wire_cf_open(struct wire_cf *cf, const char *mc);
void wire_cf_close(struct wire_cf *cf);

/* See whether it is what m4 makes of sendmail.mc as that is now, or of another file (NULL: none), but for comments: what somebody changed by hand is
 * not to be lost. */
void wire_cf_compare(struct wire_cf *cf, const char *other);

/* Whether it names the endpoint of the reply map. */
bool wire_cf_asks(const struct wire_cf *cf, const char *reply);

/* Whether it names both endpoints, and is no older than sendmail.mc. */
bool wire_cf_is_current(const struct wire_cf *cf, const struct stat *mc, const char *reply, const char *milter);

/* Restart the Sendmail that was started before it was made, where there is one: cf->running tells. */
void wire_cf_catch_up(struct wire_cf *cf);

/* Make it anew of sendmail.mc as that is now, have the Sendmail that runs read it, and start that anew. reply: the endpoint that it must name then;
 * NULL: none. Where cf->left is set nothing is done. EX_OK, or another exit status with a sentence in fault: it is as it was then. */
int wire_cf_make(struct wire_cf *cf, const char *reply, struct buffer *fault);

/* Put into faults what is wrong with it, or with the Sendmail that runs by it. mc: what sendmail.mc is; the endpoints that it must name. */
void wire_cf_check(const struct wire_cf *cf, GPtrArray *faults, const struct stat *mc, const char *reply, const char *milter);

/* As whom Sendmail connects, as the file says; NULL: as root. To be freed with g_free(). */
char *wire_cf_user(const struct wire_cf *cf);

#endif
