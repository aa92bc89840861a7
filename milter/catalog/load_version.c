#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include <mailwhy/conf_file.h>

#include "load.h"

#define DIGEST_SIZE 32

/* Append the digest of the data in hexadecimal, the first so many digits of it. 0, or -1 with errno ENOMEM. */
static int add_digest(struct buffer *out, const char *data, size_t len, size_t digits)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char digest[DIGEST_SIZE];
    unsigned size = 0;
    if (!EVP_Digest(data, len, digest, &size, EVP_sha256(), NULL) || size != DIGEST_SIZE) {
        errno = ENOMEM;
        return -1;
    }
    for (size_t i = 0; i < digits; i++)
        buffer_add_char(out, hex[i % 2 ? digest[i / 2] & 15 : digest[i / 2] >> 4]);
    return buffer_ok(out) ? 0 : -1;
}

/* Append the line of a file of the folder, none where there is no such file. 0, or -1 with errno ENOMEM. */
static int add_file(struct buffer *lines, const char *dir, const char *subdir, const char *name)
{
    struct buffer path = {0}, text = {0};
    int result = buffer_printf(&path, "%s/%s%s", dir, subdir, name);
    if (result == 0 && !load_is_missing(path.data)) {
        size_t len = conf_file_read(&text, path.data) ? 0 : text.len - 1; /* without the line end that the reading adds */
        result = add_digest(lines, len ? text.data : "", len, (size_t)2 * DIGEST_SIZE);
        if (result == 0)
            result = buffer_printf(lines, "  %s%s\n", subdir, name);
    }
    buffer_free(&text);
    buffer_free(&path);
    return result;
}

static int add_folder(struct buffer *lines, const char *dir)
{
    static const char *const entries[] = {"codes.conf", "lists.conf", "reasons.conf"};
    struct dirent **texts = NULL;
    struct buffer path = {0};
    int count = -1, result = -1;
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
        if (add_file(lines, dir, "", entries[i]) == -1)
            goto done;
    if (buffer_printf(&path, "%s/text", dir) == -1)
        goto done;
    count = load_text_files(path.data, &texts);
    result = count == -1 && errno == ENOMEM ? -1 : 0;
    for (int i = 0; i < count && result == 0; i++)
        result = add_file(lines, dir, "text/", texts[i]->d_name);

done:
    for (int i = 0; i < count; i++)
        free(texts[i]);
    free(texts);
    buffer_free(&path);
    return result;
}

int load_version(struct catalog *c, const struct catalog_source *from)
{
    struct buffer lines = {0}, version = {0};
    int result = -1;
    if (add_folder(&lines, from->dir) == 0 && (!from->local_dir || add_folder(&lines, from->local_dir) == 0) &&
        add_digest(&version, buffer_string(&lines), lines.len, sizeof c->version - 1) == 0) {
        memcpy(c->version, version.data, sizeof c->version - 1);
        result = 0;
    }
    buffer_free(&version);
    buffer_free(&lines);
    return result;
}

const char *catalog_version(const struct catalog *c)
{
    return c->version;
}
