#include <mailwhy/names.h>

#include <string.h>
#include <syslog.h>

#include <mailwhy/key_file.h>
#include <mailwhy/notes.h>

void names_key_check(const struct config *c, const char *file, struct buffer *faults)
{
    struct buffer fault = {0}, ignored = {0};
    struct privileges p;
    if (!config_has_tokens(c))
        return;
    bool can_make = key_file_can_make(c->key_file, &fault) == 0;
    if (can_make && privileges_find(&p, c->user, "", &ignored) == 0) {
        can_make = privileges_drop(&p, &fault) == 0;
        privileges_free(&p);
    }
    if (!can_make || key_file_test(c->key_file, &fault) == -1)
        buffer_printf(faults, "%s:0: privacy: %s\n", file, buffer_string(&fault));
    buffer_free(&fault);
    buffer_free(&ignored);
}

int names_key_make(const struct config *c, const struct privileges *p, struct buffer *fault)
{
    if (!config_has_tokens(c))
        return 0;
    privileges_make_folder(p, c->key_file);
    int made = key_file_make(c->key_file, p->uid, p->gid, fault);
    if (made == 1)
        note(LOG_NOTICE, "%s: a new key was made for the tokens of names", c->key_file);
    return made == -1 ? -1 : 0;
}

int names_key_load(const struct config *c, struct service *s, struct buffer *fault)
{
    unsigned char key[PRIVACY_KEY_SIZE];
    if (!config_has_tokens(c))
        return 0;
    if (key_file_read(c->key_file, key, fault) == -1)
        return -1;
    service_set_key(s, key);
    explicit_bzero(key, sizeof key);
    return 0;
}

void names_key_reload(const struct config *c, struct service *s)
{
    struct buffer fault = {0};
    if (names_key_load(c, s, &fault) == -1) {
        note(LOG_ERR, "%s; the key before it stays in use", buffer_string(&fault));
        metrics_fault(s->metrics, FAULT_KEY);
    }
    buffer_free(&fault);
}
