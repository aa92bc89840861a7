#include <stdio.h>
#include <sysexits.h>

#include <mailwhy/json.h>

#include "print.h"
#include "review_view.h"

static void add_time(struct buffer *out, const char *key, time_t time)
{
    char text[REPORT_TIME_SIZE];
    if (time)
        json_put_text(out, key, report_time(time, text));
}

static void add_row(struct buffer *out, const struct report_section *s, const struct report_row *row)
{
    buffer_add_char(out, '{');
    json_put_text(out, "name", row->name);
    json_put_long(out, "count", (long)row->count);
    if (s->other_key)
        json_put_long(out, s->other_key, (long)row->others);
    if (row->about)
        json_put_bool(out, "about", true);
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
        json_put_text(out, "title", row->text->name);
        json_put_text(out, "who", catalog_who_name(row->reason->who));
        json_put_text(out, "fix", row->fix ? row->fix : "");
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
    json_put_long(&out, "refused", (long)t->refused);
    json_put_long(&out, "sessions", (long)r->sessions);
    json_put_long(&out, "sessions_before", (long)r->sessions_before);
    json_put_long(&out, "accepted", (long)r->accepted);
    json_put_long(&out, "deliveries_refused", (long)t->deliveries);
    json_put_long(&out, "deliveries_refused_here", (long)t->local);
    json_put_long(&out, "lost_in_auth", (long)t->lost);
    json_put_long(&out, "unread_lines", (long)r->lost.unread);
    json_put_long(&out, "unread_files", (long)r->lost.files);
    json_put_bool(&out, "exact", r->exact);
    json_put_long(&out, "bound", (long)r->bound);
    for (size_t i = 0; i < REPORT_QUESTIONS; i++)
        add_section(&out, &r->sections[i]);
    bool ok = buffer_add_char(&out, '}') == 0;
    if (ok)
        print_json(stdout, out.data, out.len);
    buffer_free(&out);
    return ok ? EX_OK : EX_OSERR;
}
