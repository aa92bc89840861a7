#include "probe_target.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"

#define PORT_DEFAULT 25

int probe_target_parse(struct probe_target *t, const char *operand)
{
    *t = (struct probe_target){.port = PORT_DEFAULT};
    const char *host = operand, *end, *port = NULL;
    if (*operand == '[') {
        host++;
        end = strchr(host, ']');
        if (!end || (end[1] && end[1] != ':'))
            return -1;
        port = end[1] ? end + 2 : NULL;
    } else {
        const char *colon = strchr(operand, ':');
        bool bare = colon && strchr(colon + 1, ':'); /* an IPv6 address without brackets */
        end = colon && !bare ? colon : operand + strlen(operand);
        port = *end ? end + 1 : NULL;
    }
    size_t len = (size_t)(end - host);
    if (len == 0 || len > PROBE_HOST_MAX || (port && !cli_number_read(port, 1, UINT16_MAX, &t->port)))
        return -1;
    memcpy(t->host, host, len);
    t->host[len] = '\0';
    return 0;
}

static void say_failed(const struct probe_target *t, int error, struct buffer *fault)
{
    buffer_clear(fault);
    buffer_printf(fault, "%s has no address: %s", t->host, gai_strerror(error));
}

/* Ask for the addresses in a thread of its own: the resolver knows no limit of ours. */
static int ask(struct probe_target *t, const struct addrinfo *hints, const char *port, long timeout, struct buffer *fault)
{
    /* Where the answer is late, the thread still uses these. */
    static struct gaicb request;
    static char host[PROBE_HOST_MAX + 1];
    struct gaicb *list[] = {&request};
    const struct timespec limit = {.tv_sec = timeout};
    memcpy(host, t->host, sizeof host);
    request = (struct gaicb){.ar_name = host, .ar_service = port, .ar_request = hints};
    int error = getaddrinfo_a(GAI_NOWAIT, list, 1, NULL);
    if (error == 0) {
        const struct gaicb *const waited[] = {&request};
        do
            error = gai_suspend(waited, 1, &limit);
        while (error == EAI_INTR);
        error = error == EAI_AGAIN ? EAI_INPROGRESS : gai_error(&request);
    }
    if (error == 0) {
        t->addresses = request.ar_result;
        return 0;
    }
    if (error == EAI_INPROGRESS) {
        buffer_clear(fault);
        buffer_printf(fault, "the addresses of %s were not found within %ld seconds (--timeout)", t->host, timeout);
    } else {
        say_failed(t, error, fault);
    }
    return -1;
}

int probe_target_resolve(struct probe_target *t, long timeout, struct buffer *fault)
{
    static struct addrinfo hints; /* these two as in ask() */
    static char port[8];
    hints = (struct addrinfo){.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    snprintf(port, sizeof port, "%ld", t->port);
    int error = getaddrinfo(t->host, port, &hints, &t->addresses);
    if (error == 0)
        return 0;
    if (error != EAI_NONAME) {
        say_failed(t, error, fault);
        return -1;
    }
    hints.ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG;
    return ask(t, &hints, port, timeout, fault);
}

static bool is_private4(uint32_t a)
{
    static const struct {
        uint32_t network, mask;
    } nets[] = {
        {0x7f000000, 0xff000000}, /* 127.0.0.0/8 */
        {0x0a000000, 0xff000000}, /* 10.0.0.0/8 */
        {0xac100000, 0xfff00000}, /* 172.16.0.0/12 */
        {0xc0a80000, 0xffff0000}, /* 192.168.0.0/16 */
        {0xa9fe0000, 0xffff0000}, /* 169.254.0.0/16 */
    };
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++)
        if ((a & nets[i].mask) == nets[i].network)
            return true;
    return false;
}

bool probe_address_is_private(const struct sockaddr *address)
{
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    if (address->sa_family == AF_INET) {
        memcpy(&four, address, sizeof four);
        return is_private4(ntohl(four.sin_addr.s_addr));
    }
    if (address->sa_family != AF_INET6)
        return false;
    memcpy(&six, address, sizeof six);
    const struct in6_addr *a = &six.sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(a)) {
        uint32_t mapped;
        memcpy(&mapped, a->s6_addr + 12, sizeof mapped);
        return is_private4(ntohl(mapped));
    }
    return IN6_IS_ADDR_LOOPBACK(a) || IN6_IS_ADDR_LINKLOCAL(a) || (a->s6_addr[0] & 0xfe) == 0xfc;
}

const struct addrinfo *probe_target_public(const struct probe_target *t)
{
    const struct addrinfo *a = t->addresses;
    while (a && probe_address_is_private(a->ai_addr))
        a = a->ai_next;
    return a;
}

const char *probe_address(const struct addrinfo *address, char out[static PROBE_ADDRESS_SIZE])
{
    if (getnameinfo(address->ai_addr, address->ai_addrlen, out, PROBE_ADDRESS_SIZE, NULL, 0, NI_NUMERICHOST) != 0)
        *out = '\0';
    return out;
}

void probe_target_free(struct probe_target *t)
{
    if (t->addresses)
        freeaddrinfo(t->addresses);
    t->addresses = NULL;
}
