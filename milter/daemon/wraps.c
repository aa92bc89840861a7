#include <mailwhy/wraps.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct wrap {
    char via[sizeof "wrap:" + CONFIG_NAME_MAX];
};

struct wraps {
    struct wrap *wraps;
    struct milter_route *routes;
    size_t count; /* that listen */
    struct milter_proxy *proxy;
};

static int wrap_listen(struct wraps *w, const struct config_wrap *config, struct listeners *listeners,
                       const struct endpoint_owner *owner, struct buffer *fault)
{
    char socket_name[sizeof "wrap-" + CONFIG_NAME_MAX];
    struct wrap *wrap = &w->wraps[w->count];
    struct milter_route *route = &w->routes[w->count];
    snprintf(wrap->via, sizeof wrap->via, "wrap:%s", config->name);
    route->via = wrap->via;
    if (endpoint_address(config->to, &route->to, &route->to_len, fault) == -1)
        return -1;
    snprintf(socket_name, sizeof socket_name, "wrap-%s", config->name);
    route->listener = listeners_take(listeners, socket_name, config->listen, owner, fault);
    return route->listener == -1 ? -1 : 0;
}

struct wraps *wraps_listen(const struct config *config, struct listeners *listeners, const struct endpoint_owner *owner,
                           struct buffer *fault)
{
    struct wraps *w = calloc(1, sizeof *w);
    if (w) {
        w->wraps = calloc(config->wrap_count + 1, sizeof *w->wraps);
        w->routes = calloc(config->wrap_count + 1, sizeof *w->routes);
    }
    if (!w || !w->wraps || !w->routes) {
        buffer_add_string(fault, strerror(ENOMEM));
        goto fail;
    }
    for (; w->count < config->wrap_count; w->count++)
        if (wrap_listen(w, &config->wraps[w->count], listeners, owner, fault) == -1)
            goto fail;
    return w;

fail:
    wraps_end(w);
    return NULL;
}

int wraps_start(struct wraps *w, struct service *service)
{
    if (!w->count)
        return 0;
    w->proxy = milter_proxy_start(service, w->routes, w->count);
    return w->proxy ? 0 : -1;
}

const struct milter_proxy *wraps_proxy(const struct wraps *w)
{
    return w->proxy;
}

void wraps_end(struct wraps *w)
{
    if (!w)
        return;
    milter_proxy_stop(w->proxy);
    for (size_t i = 0; i < w->count; i++)
        close(w->routes[i].listener);
    free(w->wraps);
    free(w->routes);
    free(w);
}
