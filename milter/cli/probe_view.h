/* A probe, for people and for programs. Nothing that the server said can do anything to a terminal. */
#ifndef PROBE_VIEW_H
#define PROBE_VIEW_H

#include "page.h"
#include "probe_plan.h"

/* Each prints at once: what will be done; what was connected to; a step that is done; what it all came to. 0, or -1: out of memory. */
int probe_view_plan(const struct probe *p, const struct page *page);
int probe_view_connection(const struct probe *p, const struct page *page);
int probe_view_result(const struct probe *p, const struct page *page, const struct probe_result *r);
int probe_view_end(const struct probe *p, const struct page *page);

/* Print all of it as one JSON object, with this exit status. 0, or -1: out of memory. */
int probe_print_json(const struct probe *p, int status);

#endif
