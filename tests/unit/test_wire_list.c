/* Lists of Postfix's parameters: what is ours in them, and how they are written without blanks. */
#include "rows.h"

#include "../../milter/cli/wire_list.c"

#define PID "811"

static struct wire_ends ends;

static struct element {
    const char *name, *element;
    enum wire_ours milter, map, macro;
    bool absolute, accepts;
} elements[] = {
    {"milter", "unix:mailwhy/milter", WIRE_OURS, 0, 0, false, false},
    {"milter in braces", "{ unix:mailwhy/milter, default_action=accept }", WIRE_OURS, 0, 0, false, true},
    {"milter in tight braces", "{local:mailwhy/milter,default_action=accept}", WIRE_OURS, 0, 0, false, true},
    {"milter that puts off", "{ unix:mailwhy/milter, default_action=tempfail }", WIRE_OURS, 0, 0, false, false},
    {"milter's absolute path", "unix:/queue/mailwhy/milter", WIRE_OURS, 0, 0, true, false},
    {"another milter", "unix:mailwhy/milter2", 0, 0, 0, false, false},
    {"the reply map as a milter", "unix:mailwhy/reply", 0, 0, 0, false, false},
    {"a milter of TCP", "inet:localhost:11332", 0, 0, 0, false, false},
    {"map", "socketmap:unix:mailwhy/reply:$process_id", 0, WIRE_OURS, 0, false, false},
    {"map with braces in the name", "socketmap:unix:mailwhy/reply:${process_id}", 0, WIRE_OURS, 0, false, false},
    {"map with a host", "socketmap:unix:mailwhy/reply:$process_id@$myhostname", 0, WIRE_OURS, 0, false, false},
    {"map, expanded", "socketmap:unix:mailwhy/reply:" PID, 0, WIRE_OURS, 0, false, false},
    {"map, another's number", "socketmap:unix:mailwhy/reply:812", 0, WIRE_OURS_ELSEWISE, 0, false, false},
    {"map without a number", "socketmap:unix:mailwhy/reply:", 0, WIRE_OURS_ELSEWISE, 0, false, false},
    {"map's absolute path", "socketmap:unix:/queue/mailwhy/reply:$process_id", 0, WIRE_OURS, 0, true, false},
    {"another's map", "socketmap:unix:other/reply:$process_id", 0, 0, 0, false, false},
    {"a map that is none", "socketmap:", 0, 0, 0, false, false},
    {"macro", "pid=$process_id", 0, 0, WIRE_OURS, false, false},
    {"macro in braces", "{ pid = $process_id }", 0, 0, WIRE_OURS, false, false},
    {"macro with a name in braces", "{{pid}=" PID "}", 0, 0, WIRE_OURS, false, false},
    {"macro, something else", "pid=7", 0, 0, WIRE_OURS_ELSEWISE, false, false},
    {"another macro", "pidfile=$process_id", 0, 0, 0, false, false},
    {"an empty pair of braces", "{}", 0, 0, 0, false, false},
    {"a brace", "{", 0, 0, 0, false, false},
};

static void test_element(void **state)
{
    const struct element *row = *state;
    assert_int_equal(wire_is_milter(&ends, row->element), row->milter);
    assert_int_equal(wire_is_map(&ends, row->element, PID), row->map);
    assert_int_equal(wire_is_macro(row->element, PID), row->macro);
    assert_int_equal(wire_is_absolute(&ends, row->element), row->absolute);
    assert_int_equal(wire_milter_accepts(row->element), row->accepts);
}

static struct compact {
    const char *name, *list, *of_milters, *of_others; /* NULL: not without blanks */
} compacts[] = {
    {"nothing", "", "", ""},
    {"blanks", " \t ", "", ""},
    {"one", " a ", "a", "a"},
    {"commas and blanks", "a, b  c ,d", "a,b,c,d", "a,b,c,d"},
    {"braces", "{ a, b=c }, d", "{a,b=c},d", NULL},
    {"blanks at the braces only", "{ a=b } c", "{a=b},c", "{a=b},c"},
    {"blanks around a sign", "{ a, b = c }", NULL, NULL},
    {"an attribute in braces", "{ a, { b = c }, {d=e} }, f", "{a,{b=c},{d=e}},f", NULL},
    {"a value with a blank", "{ a, { b = c d } }", NULL, NULL},
    {"a value with a comma", "{ a, { b = c,d } }", "{a,{b=c,d}}", NULL},
};

static void test_compact(void **state)
{
    const struct compact *row = *state;
    char *milters = wire_list_compact(row->list, true), *others = wire_list_compact(row->list, false);
    assert_int_equal(g_strcmp0(milters, row->of_milters), 0);
    assert_int_equal(g_strcmp0(others, row->of_others), 0);
    g_free(milters);
    g_free(others);
}

static struct split {
    const char *name, *list, *elements; /* joined by | */
} splits[] = {
    {"nothing", "", ""},
    {"separators alone", " ,\t,", ""},
    {"commas and blanks", "a, b c", "a|b|c"},
    {"braces", "{ a, b }, c", "{ a, b }|c"},
    {"braces in braces", "{ a, { b, c } } d", "{ a, { b, c } }|d"},
    {"braces that do not end", "a { b, c", "a|{ b, c"},
    {"braces that do not begin", "a } b", "a|}|b"},
};

static void test_split(void **state)
{
    const struct split *row = *state;
    char **found = wire_list_split(row->list), *joined = g_strjoinv("|", found);
    assert_string_equal(joined, row->elements);
    g_free(joined);
    g_strfreev(found);
}

static struct endpoint {
    const char *name, *listen, *written, *map_name;
    bool outside;
} endpoints[] = {
    {"within", "unix:/queue/mailwhy/reply", "unix:mailwhy/reply", "$process_id", false},
    {"outside", "unix:/run/mailwhy/reply", "unix:/run/mailwhy/reply", "$process_id", true},
    {"a folder that begins alike", "unix:/queue2/reply", "unix:/queue2/reply", "$process_id", true},
    {"loopback", "inet:9806@127.0.0.1", "inet:127.0.0.1:9806", "$process_id", false},
    {"loopback of IPv6", "inet6:9806@::1", "inet:[::1]:9806", "$process_id", false},
    {"any address", "inet:9806@0.0.0.0", "inet:127.0.0.1:9806", "$process_id", false},
    {"a network's address", "inet:9806@192.0.2.5", "inet:192.0.2.5:9806", "$process_id@$myhostname", false},
    {"nowhere", "", "", "$process_id", false},
};

static void test_endpoint(void **state)
{
    const struct endpoint *row = *state;
    const struct config config = {.socketmap_listen = row->listen, .milter_listen = ""};
    struct wire_ends e;
    wire_ends_make(&e, &config, "/queue");
    assert_string_equal(e.reply.written, row->written);
    assert_string_equal(e.map_name, row->map_name);
    assert_int_equal(e.reply.outside, row->outside);
    wire_ends_free(&e);
}

int main(void)
{
    const struct config config = {.socketmap_listen = "unix:/queue/mailwhy/reply", .milter_listen = "unix:/queue/mailwhy/milter"};
    wire_ends_make(&ends, &config, "/queue");
    int failed = ROWS_RUN(elements, test_element) + ROWS_RUN(compacts, test_compact) + ROWS_RUN(splits, test_split) +
                 ROWS_RUN(endpoints, test_endpoint);
    wire_ends_free(&ends);
    return failed;
}
