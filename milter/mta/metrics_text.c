#include <inttypes.h>
#include <string.h>

#include <mailwhy/service.h>

#include "metrics_counts.h"

static uint64_t get(const counter *c)
{
    return atomic_load_explicit(c, memory_order_relaxed);
}

static void head(struct buffer *out, const char *name, const char *type, const char *help)
{
    buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void one(struct buffer *out, const char *name, const char *type, const char *help, uint64_t value)
{
    head(out, name, type, help);
    buffer_printf(out, "%s %" PRIu64 "\n", name, value);
}

static void add_label(struct buffer *out, const char *name, const char *value)
{
    buffer_printf(out, "%s=\"", name);
    for (; *value; value++) {
        if (*value == '\\' || *value == '"')
            buffer_add_char(out, '\\');
        buffer_add_char(out, (unsigned char)*value < ' ' ? ' ' : *value);
    }
    buffer_add_char(out, '"');
}

static void add_replies(const struct metrics *m, struct buffer *out)
{
    head(out, "mailwhy_replies_total", "counter", "Refusals seen, by reply code and by the way they came.");
    for (size_t i = 0; i <= METRICS_VIAS; i++) {
        const char *name = i < METRICS_VIAS ? atomic_load_explicit(&m->vias[i].name, memory_order_acquire) : "other";
        for (size_t code = 0; name && code < CODES; code++) {
            uint64_t count = get(&m->vias[i].codes[code]);
            if (count == 0)
                continue;
            buffer_printf(out, "mailwhy_replies_total{code=\"%zu\",", code + CODE_MIN);
            add_label(out, "via", name);
            buffer_printf(out, "} %" PRIu64 "\n", count);
        }
    }
}

static void add_reason(struct buffer *out, const char *id, uint64_t count)
{
    buffer_add_string(out, "mailwhy_reply_reasons_total{");
    add_label(out, "reason", id);
    buffer_printf(out, "} %" PRIu64 "\n", count);
}

/* All the catalogue's, so that the first one of a reason is seen to be one more; and those that were counted when it had them. */
static void add_reasons(const struct metrics *m, const struct catalog *catalog, struct buffer *out)
{
    const struct catalog_reason *reason;
    head(out, "mailwhy_reply_reasons_total", "counter", "Refusals seen, by the id of their reason; none where it is not known.");
    for (size_t i = 0; (reason = catalog_reason_at(catalog, i)); i++)
        add_reason(out, reason->id, metrics_reason_count(m, reason->id));
    for (size_t i = 0; i < METRICS_REASONS; i++) {
        const char *id = atomic_load_explicit(&m->reasons[i].id, memory_order_acquire);
        if (id && !catalog_reason_by_id(catalog, id))
            add_reason(out, id, get(&m->reasons[i].count));
    }
    add_reason(out, "", get(&m->no_reason));
    if (get(&m->other_reasons))
        add_reason(out, "other", get(&m->other_reasons));
}

static void add_answers(const struct metrics *m, struct buffer *out)
{
    static const char name[] = "mailwhy_reply_map_duration_seconds";
    uint64_t count = 0, ns = get(&m->answers_ns);
    head(out, name, "histogram", "Time the reply map took for an answer, the event written.");
    for (size_t i = 0; i <= BUCKETS; i++) {
        count += get(&m->answers[i]);
        buffer_printf(out, "%s_bucket{le=\"%s\"} %" PRIu64 "\n", name, i < BUCKETS ? metrics_bounds[i].seconds : "+Inf", count);
    }
    buffer_printf(out, "%s_sum %" PRIu64 ".%09" PRIu64 "\n%s_count %" PRIu64 "\n", name, ns / 1000000000, ns % 1000000000, name,
                  count);
}

static void add_catalog(const struct metrics *m, const struct catalog *catalog, struct buffer *out)
{
    one(out, "mailwhy_catalog_reasons", "gauge", "Reasons in the catalogue.", catalog_reason_count(catalog));
    one(out, "mailwhy_catalog_loaded_timestamp_seconds", "gauge", "When the catalogue in use was loaded.",
        (uint64_t)atomic_load(&m->loaded));
    head(out, "mailwhy_catalog_info", "gauge", "The version of the catalogue in use.");
    buffer_printf(out, "mailwhy_catalog_info{version=\"%s\"} 1\n", catalog_version(catalog));
    one(out, "mailwhy_reload_successful", "gauge", "Whether the last reload of the catalogue was good; 1 before the first.",
        !atomic_load(&m->last_reload_failed));
    head(out, "mailwhy_reloads_total", "counter", "Reloads of the catalogue.");
    buffer_printf(out,
                  "mailwhy_reloads_total{result=\"good\"} %" PRIu64 "\nmailwhy_reloads_total{result=\"failed\"} %" PRIu64 "\n",
                  get(&m->reloads_good), get(&m->reloads_failed));
}

static void add_faults(const struct metrics *m, struct buffer *out)
{
    static const char *const names[FAULT_COUNT] = {[FAULT_MAP_NAME] = "map_name",
                                                   [FAULT_NOT_A_REPLY] = "not_a_reply",
                                                   [FAULT_MEMORY] = "memory",
                                                   [FAULT_LOG_REOPEN] = "log_reopen",
                                                   [FAULT_KEY] = "key"};
    head(out, "mailwhy_faults_total", "counter", "What went wrong, by what it was.");
    for (size_t i = 0; i < FAULT_COUNT; i++)
        buffer_printf(out, "mailwhy_faults_total{fault=\"%s\"} %" PRIu64 "\n", names[i], get(&m->faults[i]));
}

void metrics_text(const struct service *s, struct buffer *out)
{
    const struct metrics *m = s->metrics;
    struct event_log_counts events = event_log_counts(s->log);
    struct catalog *catalog = catalog_slot_take(s->catalogs);
    add_replies(m, out);
    add_reasons(m, catalog, out);
    one(out, "mailwhy_replies_explained_total", "counter", "Replies that lines were added to.", atomic_load(&s->explained));
    one(out, "mailwhy_replies_plain_total", "counter", "Replies that stayed as they were.", atomic_load(&s->plain));
    one(out, "mailwhy_replies_without_session_total", "counter", "Refusals whose session was not known.",
        get(&m->without_session));
    add_answers(m, out);
    one(out, "mailwhy_events_written_total", "counter", "Events written to the log.", events.written);
    one(out, "mailwhy_events_lost_total", "counter", "Events that could not be written.", events.failed);
    one(out, "mailwhy_sessions_open", "gauge", "Sessions that are known now.", sessions_count(s->sessions));
    one(out, "mailwhy_sessions_proxied", "gauge", "Sessions that pass to wrapped milters now.", sessions_count(s->proxied));
    add_catalog(m, catalog, out);
    add_faults(m, out);
    head(out, "mailwhy_build_info", "gauge", "The version of mailwhyd.");
    buffer_add_string(out, "mailwhy_build_info{version=\"" MAILWHY_VERSION "\"} 1\n");
    one(out, "process_start_time_seconds", "gauge", "When mailwhyd was started.", (uint64_t)atomic_load(&m->started));
    catalog_release(catalog);
}
