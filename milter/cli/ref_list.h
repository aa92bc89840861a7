/* The events of a log that options ask for, as a list. */
#ifndef REF_LIST_H
#define REF_LIST_H

#include "cli.h"

/* Whether an option asks for some events. */
bool ref_list_asked(const struct cli_options *options);

/* List them. The exit status. */
int ref_list(const struct cli_options *options);

/* Say that the event log can't be read, by errno. EX_NOINPUT. */
int ref_complain_log(const char *path);

#endif
