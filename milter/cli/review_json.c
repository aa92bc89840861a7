#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include <mailwhy/json.h>

#include "print.h"
#include "review_view.h"

static void add_long(struct buffer *out, const char *key, unsigned long n)
{
    json_add_key(out, key);
    json_add_long(out, (long)n);
}

static void add_bool(struct buffer *out, const char *key, bool value)
{
    json_add_key(out, key);
    buffer_add_string(out, value ? "true" : "false");
}

static void add_string(struct buffer *out, const char *key, const char *value)
{
    json_add_key(out, key);
    json_add_string(out, value, strlen(value));
}

static void add_time(struct buffer *out, const char *key, time_t time)
{
    char text[REPORT_TIME_SIZE];
    if (time)
        add_string(out, key, report_time(time, text));
}

static void add_row(struct buffer *out, const struct report_section *s, const struct report_row *row)
{
    buffer_add_char(out, '{');
    add_string(out, "name", row->name);
    add_long(out, "count", row->count);
    if (s->other_key)
        add_long(out, s->other_key, row->others);
    if (row->about)
        add_bool(out, "about", true);
    add_time(out, "first", row->first);
    add_time(out, "last", row->last);
    if (s->trend) {
        json_add_key(out, "trend");
        for (int i = 0; i < REPORT_TREND; i++) {
            buffer_add_char(out, i ? ',' : '[');
            json_add_long(out, (long)row->trend[i]);
        }
        buffer_add_char(out, ']');
    }
    if (row->reason) {
        add_string(out, "title", row->text->name);
        add_string(out, "who", catalog_who_name(row->reason->who));
        add_string(out, "fix", row->fix ? row->fix : "");
    }
    buffer_add_char(out, '}');
}

static void add_section(struct buffer *out, const struct report_section *s)
{
    json_add_key(out, s->key);
    buffer_add_char(out, '[');
    for (size_t i = 0; i < s->count; i++) {
        buffer_add_string(out, i ? "," : "");
        add_row(out, s, &s->rows[i]);
    }
    buffer_add_char(out, ']');
}

int review_json(const struct report *r, const struct cli_options *o)
{
    const struct tally *t = r->tally;
    struct buffer out = {0};
    (void)o;
    buffer_add_char(&out, '{');
    add_time(&out, "first", t->first);
    add_time(&out, "last", t->last);
    add_long(&out, "refused", t->refused);
    add_long(&out, "sessions", r->sessions);
    add_long(&out, "sessions_before", r->sessions_before);
    add_long(&out, "accepted", r->accepted);
    add_long(&out, "deliveries_refused", t->deliveries);
    add_long(&out, "deliveries_refused_here", t->local);
    add_long(&out, "lost_in_auth", t->lost);
    add_long(&out, "unread_lines", r->lost.unread);
    add_long(&out, "unread_files", r->lost.files);
    add_bool(&out, "exact", r->exact);
    add_long(&out, "bound", r->bound);
    for (size_t i = 0; i < REPORT_QUESTIONS; i++)
        add_section(&out, &r->sections[i]);
    bool ok = buffer_add_char(&out, '}') == 0;
    if (ok)
        print_json(stdout, out.data, out.len);
    buffer_free(&out);
    return ok ? EX_OK : EX_OSERR;
}
