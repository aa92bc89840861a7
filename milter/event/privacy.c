#include <mailwhy/privacy.h>

#include <string.h>

#include <mailwhy/utf8.h>

#include "privacy_text.h"

#define KNOWN_MIN 3 /* octets of a name that is looked for as a word anywhere */

int privacy_how_from_name(const char *name)
{
    static const char *const names[PRIVACY_HOWS] = {"plain", "mask", "hmac"};
    for (int i = 0; i < PRIVACY_HOWS; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

static enum privacy_how stricter(enum privacy_how a, enum privacy_how b)
{
    return a > b ? a : b;
}

/* How a user's name is seen: that is an address, too, where it has the form of one. */
static enum privacy_how how_of_user(const struct privacy *p, const char *user)
{
    return strchr(user, '@') ? stricter(p->user, p->address) : p->user;
}

void privacy_mask(const char *name, size_t len, struct buffer *out)
{
    const char *at = memrchr(name, '@', len);
    size_t local = at ? (size_t)(at - name) : len;
    uint32_t first;
    size_t shown = utf8_decode(name, local, &first);
    bool is_letter = first > 0x9f || (first >= '0' && first <= '9') || ((first | 0x20) >= 'a' && (first | 0x20) <= 'z');
    if (shown && shown < local && is_letter) {
        if (shown == 1)
            buffer_add_char(out, (char)(first >= 'A' && first <= 'Z' ? first | 0x20 : first));
        else
            buffer_add(out, name, shown);
    }
    buffer_add_string(out, "***");
    for (const char *s = at; at && s < name + len; s++)
        buffer_add_char(out, (char)(*s >= 'A' && *s <= 'Z' ? *s | 0x20 : *s));
}

static bool has(const char *s)
{
    return s && *s;
}

/* Know a name as a word, where it is long enough: what is before the @ of an address. */
static void know(struct privacy_names *names, const char *name, enum privacy_how how)
{
    if (!has(name) || how == PRIVACY_PLAIN)
        return;
    size_t len = strcspn(name, "@");
    if (len > 2 && name[0] == '"' && name[len - 1] == '"') {
        name++;
        len -= 2;
    }
    struct privacy_known *k = names->known;
    for (; k < names->known + names->count; k++)
        if (k->len == len && strncasecmp(k->name, name, len) == 0)
            break;
    if (len < KNOWN_MIN || k == names->known + PRIVACY_KNOWN_MAX)
        return;
    if (k == names->known + names->count) {
        *k = (struct privacy_known){name, len, how};
        names->count++;
    }
    k->how = stricter(k->how, how);
}

void privacy_apply(const struct privacy *p, struct event *e, struct buffer *store)
{
    const struct {
        const char **member;
        bool is_text;
        enum privacy_how how;
    } fields[] = {{&e->sender, false, p->address},
                  {&e->recipient, false, p->address},
                  {&e->sasl_user, false, has(e->sasl_user) ? how_of_user(p, e->sasl_user) : p->user},
                  {&e->client_name, true, PRIVACY_PLAIN},
                  {&e->helo, true, PRIVACY_PLAIN},
                  {&e->reply, true, PRIVACY_PLAIN}};
    enum { FIELDS = sizeof fields / sizeof *fields, REPLY = FIELDS - 1 };
    size_t starts[FIELDS];
    struct privacy_names names = {.privacy = p};
    if (p->user == PRIVACY_PLAIN && p->address == PRIVACY_PLAIN)
        return;
    know(&names, e->sasl_user, fields[2].how);
    know(&names, e->sender, p->address);
    know(&names, e->recipient, p->address);
    if (has(e->sasl_user) && strchr(e->sasl_user, '@'))
        names.user = e->sasl_user;
    buffer_clear(store);
    for (size_t i = 0; i < FIELDS; i++) {
        const char *value = *fields[i].member;
        size_t len = !value ? 0 : i == REPLY ? e->reply_len : strlen(value);
        starts[i] = store->len;
        if (fields[i].is_text && len)
            privacy_text(&names, i == REPLY, value, len, store);
        else if (len)
            privacy_put(p, fields[i].how, value, len, store);
        if (i == REPLY)
            e->reply_len = store->len - starts[i];
        buffer_add_char(store, '\0');
    }
    for (size_t i = 0; i < FIELDS; i++)
        if (*fields[i].member)
            *fields[i].member = buffer_ok(store) ? store->data + starts[i] : NULL;
    if (!e->reply)
        e->reply_len = 0;
}
