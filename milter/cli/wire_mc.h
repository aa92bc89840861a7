/* A sendmail.mc, and the line FEATURE(`mailwhy') in it. */
#ifndef WIRE_MC_H
#define WIRE_MC_H

#include <stdbool.h>

#include <glib.h>

struct wire_mc {
    char **lines; /* without their ends */
    bool ended; /* the last line has an end */
    int feature; /* which line is ours; -1: none */
    int place; /* before which it belongs: the first FEATURE, MAILER or LOCAL_; -1: there is none */
    bool late; /* ours stands behind one of those */
    char *cf_dir; /* where Sendmail's macros are, as the file says; NULL: it does not */
    bool trusts_sticky; /* it has TrustStickyBit */
};

/* Read a text. wire_mc_free() afterwards. */
void wire_mc_read(struct wire_mc *mc, const char *text);
void wire_mc_free(struct wire_mc *mc);

/* The text with that line of ours in its place, or (NULL) without one. To be freed with g_free(). */
char *wire_mc_write(const struct wire_mc *mc, const char *line);

/* What differs between two texts, one after the other as diff -u has it; "" where nothing does. To be freed with g_free(). */
char *wire_mc_diff(const char *name, const char *was, const char *is);

#endif
