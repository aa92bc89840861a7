/* What is counted, by many threads, and how it is written. */
#include "our_catalog.h"

#include <pthread.h>
#include <unistd.h>

#include <mailwhy/service.h>

#define THREADS 4
#define EACH 20000

static struct service service;
static char path[] = "/tmp/mailwhy-metrics-XXXXXX";

static int begin(void **state)
{
    if (load_catalog(state) == -1)
        return -1;
    int fd = mkstemp(path);
    if (fd == -1)
        return -1;
    close(fd);
    service.catalogs = catalog_slot_new(catalog_retain(catalog));
    service.sessions = sessions_new();
    service.proxied = sessions_new();
    service.log = event_log_open(path);
    service.metrics = metrics_new();
    return service.catalogs && service.sessions && service.proxied && service.log && service.metrics ? 0 : -1;
}

static int end(void **state)
{
    metrics_free(service.metrics);
    event_log_close(service.log);
    sessions_free(service.sessions);
    sessions_free(service.proxied);
    unlink(path);
    return release_catalog(state);
}

/* Whether the page has the line. */
static void assert_line(const char *line)
{
    struct buffer out = {0};
    char whole[300];
    metrics_text(&service, &out);
    assert_true(buffer_ok(&out));
    snprintf(whole, sizeof whole, "\n%s\n", line);
    if (!strstr(out.data, whole))
        fail_msg("no %s in:\n%s", line, out.data);
    buffer_free(&out);
}

static void *count(void *number)
{
    char via[32], reason[32];
    snprintf(via, sizeof via, "wrap:t%d", *(int *)number % 2);
    for (int i = 0; i < EACH; i++) {
        snprintf(reason, sizeof reason, "many-%d", i % 100);
        metrics_refused(service.metrics, 550, via, i % 2 ? reason : NULL, i % 4 == 0);
        metrics_answered(service.metrics, 20000);
    }
    return NULL;
}

/* Nothing is lost, whoever is first to have a name. */
static void test_threads(void **state)
{
    pthread_t threads[THREADS];
    int numbers[THREADS];
    (void)state;
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, count, &numbers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_line("mailwhy_replies_total{code=\"550\",via=\"wrap:t0\"} 40000");
    assert_line("mailwhy_replies_total{code=\"550\",via=\"wrap:t1\"} 40000");
    assert_line("mailwhy_reply_reasons_total{reason=\"\"} 40000");
    assert_line("mailwhy_reply_reasons_total{reason=\"many-99\"} 800");
    assert_line("mailwhy_replies_without_session_total 60000");
    assert_line("mailwhy_reply_map_duration_seconds_bucket{le=\"1e-05\"} 0");
    assert_line("mailwhy_reply_map_duration_seconds_bucket{le=\"2.5e-05\"} 80000");
    assert_line("mailwhy_reply_map_duration_seconds_bucket{le=\"+Inf\"} 80000");
    assert_line("mailwhy_reply_map_duration_seconds_sum 1.600000000");
    assert_line("mailwhy_reply_map_duration_seconds_count 80000");
}

/* A time on a bound is within it; one beyond all is counted as well. */
static void test_bounds(void **state)
{
    (void)state;
    metrics_answered(service.metrics, 1000000000);
    metrics_answered(service.metrics, 5000000001);
    assert_line("mailwhy_reply_map_duration_seconds_bucket{le=\"0.1\"} 80000");
    assert_line("mailwhy_reply_map_duration_seconds_bucket{le=\"1\"} 80001");
    assert_line("mailwhy_reply_map_duration_seconds_bucket{le=\"+Inf\"} 80002");
    assert_line("mailwhy_reply_map_duration_seconds_sum 7.600000001");
}

/* What is counted takes no more than its place: ways and reasons without end are one. */
static void test_many(void **state)
{
    char name[32];
    (void)state;
    metrics_refused(service.metrics, 554, "wrap:\"a\\\n", "relay-denied", true);
    for (int i = 0; i < 3 * METRICS_REASONS; i++) {
        snprintf(name, sizeof name, "x%d", i);
        metrics_refused(service.metrics, 451, name, name, true);
    }
    assert_line("mailwhy_replies_total{code=\"554\",via=\"wrap:\\\"a\\\\ \"} 1");
    assert_line("mailwhy_reply_reasons_total{reason=\"relay-denied\"} 1");
    assert_line("mailwhy_replies_total{code=\"451\",via=\"x12\"} 1");
    assert_line("mailwhy_replies_total{code=\"451\",via=\"other\"} 3059");
    assert_line("mailwhy_reply_reasons_total{reason=\"other\"} 2099");
}

/* What is no refusal is not counted. */
static void test_codes(void **state)
{
    static const int codes[] = {0, 250, 399, 600, -1};
    (void)state;
    for (size_t i = 0; i < ROWS(codes); i++)
        metrics_refused(service.metrics, codes[i], "ruleset", NULL, true);
    metrics_refused(service.metrics, 400, "socketmap", NULL, true);
    metrics_refused(service.metrics, 599, "socketmap", NULL, true);
    assert_line("mailwhy_reply_reasons_total{reason=\"\"} 40002");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_threads), cmocka_unit_test(test_bounds), cmocka_unit_test(test_many),
                                       cmocka_unit_test(test_codes)};
    return cmocka_run_group_tests(tests, begin, end);
}
