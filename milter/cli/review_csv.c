#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "print.h"
#include "review_view.h"

/* A cell by RFC 4180. One that a spreadsheet would take for a formula gets an apostrophe before it; what would act on a terminal is shown as it is
 * written. */
static void print_cell(const char *text)
{
    fputc('"', stdout);
    if (*text && strchr("=+-@\t\r", *text) && text[1])
        fputc('\'', stdout);
    for (const char *quote; (quote = strchr(text, '"')); text = quote + 1) {
        print_text(stdout, text, (size_t)(quote - text));
        fputs("\"\"", stdout);
    }
    print_string(stdout, text);
    fputc('"', stdout);
}

static void print_time(time_t time)
{
    char text[REPORT_TIME_SIZE];
    printf(",%s", time ? report_time(time, text) : "");
}

static void print_row(const struct report_section *s, const struct report_row *row)
{
    printf("%s,", s->key);
    print_cell(row->name);
    printf(",%lu,", row->count);
    if (s->other_key)
        printf("%lu,%s", row->others, s->other_key);
    else
        fputc(',', stdout);
    print_time(row->first);
    print_time(row->last);
    printf(",%s,", row->reason ? catalog_who_name(row->reason->who) : "");
    if (row->text)
        print_cell(row->text->name);
    fputc(',', stdout);
    if (row->fix)
        print_cell(row->fix);
    fputs("\r\n", stdout);
}

int review_csv(const struct report *r, const struct cli_options *o)
{
    fputs("section,name,count,others,others_are,first,last,who,title,fix\r\n", stdout);
    for (size_t i = o->by ? REPORT_GROUPS : REPORT_REASONS; i < (o->by ? REPORT_REASONS : REPORT_QUESTIONS); i++)
        for (size_t k = 0; k < r->sections[i].count; k++)
            print_row(&r->sections[i], &r->sections[i].rows[k]);
    return EX_OK;
}
