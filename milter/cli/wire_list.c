#include "wire_list.h"

#include <stdlib.h>
#include <string.h>

#include <mailwhy/endpoint.h>

#define SEPARATORS " ,\t\r\n"

/* The path, relative to a folder, where it lies in it; else NULL. */
static const char *path_within(const char *path, const char *folder)
{
    size_t len = strlen(folder);
    while (len > 1 && folder[len - 1] == '/')
        len--;
    if (len == 0 || strncmp(path, folder, len) != 0 || path[len] != '/')
        return NULL;
    return path + len + strspn(path + len, "/");
}

/* "unix:/PATH" or "inet:PORT@HOST" as Postfix writes it: "unix:PATH", "inet:HOST:PORT". */
static void end_make(struct wire_end *to, const char *listen, const struct wire_ends *e)
{
    *to = (struct wire_end){.listen = listen};
    const char *part = strchr(listen, ':');
    if (!part) {
        to->written = g_strdup("");
        return;
    }
    part++;
    if (*listen == 'u' || *listen == 'l') {
        const char *within = path_within(part, e->queue);
        if (!within)
            within = path_within(part, e->queue_real);
        to->path = g_strdup(part);
        to->outside = !within;
        to->written = g_strdup_printf("unix:%s", within ? within : part);
        return;
    }
    size_t port = strcspn(part, "@");
    const char *host = part + port + (part[port] == '@');
    if (strcmp(host, "0.0.0.0") == 0)
        host = "127.0.0.1";
    if (strcmp(host, "::") == 0)
        host = "::1";
    to->written = g_strdup_printf(strchr(host, ':') ? "inet:[%s]:%.*s" : "inet:%s:%.*s", host, (int)port, part);
}

static bool is_shared(const char *written)
{
    return g_str_has_prefix(written, "inet:") && !g_str_has_prefix(written, "inet:127.") &&
           !g_str_has_prefix(written, "inet:[::1]") && !g_str_has_prefix(written, "inet:localhost:");
}

void wire_ends_make(struct wire_ends *e, const struct config *config, const char *queue)
{
    char *real = realpath(queue, NULL);
    *e = (struct wire_ends){.queue = g_strdup(queue), .queue_real = g_strdup(real ? real : queue)};
    free(real);
    end_make(&e->reply, config->socketmap_listen, e);
    end_make(&e->milter, config->milter_listen, e);
    e->map_name = g_strdup(is_shared(e->reply.written) ? "$process_id@$myhostname" : "$process_id");
}

void wire_ends_free(struct wire_ends *e)
{
    char *owned[] = {e->reply.path, e->reply.written, e->milter.path, e->milter.written, e->queue, e->queue_real, e->map_name};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        g_free(owned[i]);
    *e = (struct wire_ends){0};
}

/* The octets of the element at s: up to a separator outside of braces. */
static size_t element_length(const char *s)
{
    size_t len = 0;
    for (int depth = 0; s[len] && (depth > 0 || !strchr(SEPARATORS, s[len])); len++)
        depth += s[len] == '{' ? 1 : s[len] == '}' && depth > 0 ? -1 : 0;
    return len;
}

char **wire_list_split(const char *list)
{
    GPtrArray *found = g_ptr_array_new();
    for (const char *s = list + strspn(list, SEPARATORS); *s; s += strspn(s, SEPARATORS)) {
        size_t len = element_length(s);
        g_ptr_array_add(found, g_strndup(s, len));
        s += len;
    }
    g_ptr_array_add(found, NULL);
    return (char **)g_ptr_array_free(found, FALSE);
}

/* What stands in the braces around an element; the element itself where there are none. To be freed with g_free(). */
static char *without_braces(const char *element)
{
    size_t len = strlen(element);
    bool braces = len >= 2 && element[0] == '{' && element[len - 1] == '}';
    return g_strstrip(braces ? g_strndup(element + 1, len - 2) : g_strdup(element));
}

/* Whether an endpoint in Postfix's form is ours. */
static bool is_end(const struct wire_ends *e, const struct wire_end *end, const char *endpoint)
{
    if (!*end->written)
        return false;
    if (!end->path)
        return g_ascii_strcasecmp(endpoint, end->written) == 0;
    const char *path = strchr(endpoint, ':');
    if (!path || (!g_str_has_prefix(endpoint, "unix:") && !g_str_has_prefix(endpoint, "local:")))
        return false;
    path++;
    if (*path == '/') {
        const char *within = path_within(path, e->queue);
        if (!within)
            within = path_within(path, e->queue_real);
        return strcmp(path, end->path) == 0 || (within && strcmp(within, end->written + 5) == 0);
    }
    return strcmp(path, end->written + 5) == 0;
}

/* The endpoint in an element: the first word in its braces; of a socketmap without "socketmap:" and the map's name, which is put into *name. */
static char *endpoint_in(const char *element, bool map, const char **name)
{
    char *inner = without_braces(element);
    if (!map) {
        inner[strcspn(inner, SEPARATORS)] = '\0';
        return inner;
    }
    char *colon = strrchr(inner, ':');
    if (!g_str_has_prefix(inner, "socketmap:") || !colon || colon < inner + 10) {
        *inner = '\0';
        return inner;
    }
    *colon = '\0';
    *name = colon + 1;
    memmove(inner, inner + 10, strlen(inner + 10) + 1);
    return inner;
}

enum wire_ours wire_is_milter(const struct wire_ends *e, const char *element)
{
    g_autofree char *endpoint = endpoint_in(element, false, NULL);
    return is_end(e, &e->milter, endpoint) ? WIRE_OURS : WIRE_NOT_OURS;
}

/* Whether a text is $process_id, expanded or not. */
static bool is_process(const char *s, size_t len, const char *process_id)
{
    static const char *const forms[] = {"$process_id", "${process_id}", "$(process_id)"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (len == strlen(forms[i]) && memcmp(s, forms[i], len) == 0)
            return true;
    return *process_id && len == strlen(process_id) && memcmp(s, process_id, len) == 0;
}

enum wire_ours wire_is_map(const struct wire_ends *e, const char *element, const char *process_id)
{
    const char *name = "";
    g_autofree char *endpoint = endpoint_in(element, true, &name);
    if (!is_end(e, &e->reply, endpoint))
        return WIRE_NOT_OURS;
    return is_process(name, strcspn(name, "@"), process_id) ? WIRE_OURS : WIRE_OURS_ELSEWISE;
}

enum wire_ours wire_is_macro(const char *element, const char *process_id)
{
    g_autofree char *inner = without_braces(element);
    char *sign = strchr(inner, '=');
    if (!sign)
        return WIRE_NOT_OURS;
    *sign = '\0';
    g_autofree char *name = without_braces(g_strstrip(inner));
    const char *value = g_strstrip(sign + 1);
    if (strcmp(name, "pid") != 0)
        return WIRE_NOT_OURS;
    return is_process(value, strlen(value), process_id) ? WIRE_OURS : WIRE_OURS_ELSEWISE;
}

bool wire_is_absolute(const struct wire_ends *e, const char *element)
{
    const char *name;
    bool map = g_str_has_prefix(element, "socketmap:") || g_str_has_prefix(element, "{ socketmap:") ||
               g_str_has_prefix(element, "{socketmap:");
    g_autofree char *endpoint = endpoint_in(element, map, &name);
    const char *path = strchr(endpoint, ':');
    return is_end(e, map ? &e->reply : &e->milter, endpoint) && path && path[1] == '/';
}

bool wire_milter_accepts(const char *element)
{
    g_autofree char *inner = without_braces(element);
    g_auto(GStrv) words = wire_list_split(inner);
    return g_strv_contains((const char *const *)words, "default_action=accept");
}

char *wire_list_compact(const char *list, bool attributes)
{
    GString *out = g_string_new(NULL);
    int depth = 0;
    for (const char *s = list; *s; s++) {
        if (!strchr(" \t\r\n", *s)) {
            depth += *s == '{' ? 1 : *s == '}' ? -1 : 0;
            g_string_append_c(out, *s);
            continue;
        }
        const char *next = s + strspn(s, " \t\r\n");
        char before = '{';
        if (out->len)
            before = out->str[out->len - 1];
        s = next - 1;
        if (before == '{' || *next == '}' || !*next || ((depth == 0 || attributes) && (before == ',' || *next == ',')) ||
            (depth > 1 && attributes && (before == '=' || *next == '=')))
            continue;
        if (depth > 0 && (!attributes || depth > 1 || before == '=' || *next == '=')) {
            g_string_free(out, TRUE);
            return NULL;
        }
        g_string_append_c(out, ',');
    }
    return g_string_free(out, FALSE);
}
