#include <mailwhy/key_file.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_MODE 0600
#define TEXT_SIZE (2 * PRIVACY_KEY_SIZE + 1)

static int fault_errno(struct buffer *fault, const char *path, const char *what)
{
    int error = errno;
    buffer_printf(fault, "%s: %s: %s", path, what, strerror(error));
    errno = error;
    return -1;
}

/* Fill the file that is open, and give it to its owner. 0, or -1 with errno. */
static int fill(int fd, uid_t uid, gid_t gid)
{
    char text[TEXT_SIZE];
    struct stat st;
    if (privacy_key_make(text) == -1) {
        errno = EIO;
        return -1;
    }
    text[TEXT_SIZE - 1] = '\n';
    ssize_t written = write(fd, text, sizeof text);
    explicit_bzero(text, sizeof text);
    if (written != -1 && written != (ssize_t)sizeof text)
        errno = ENOSPC;
    if (written != (ssize_t)sizeof text || fchmod(fd, KEY_MODE) == -1 || fstat(fd, &st) == -1)
        return -1;
    /* As a service of systemd it may call chown() not even for what is its own. */
    bool others = uid != (uid_t)-1 && uid != st.st_uid;
    return (others && fchown(fd, uid, gid) == -1) || fsync(fd) == -1 ? -1 : 0;
}

int key_file_make(const char *path, uid_t uid, gid_t gid, struct buffer *fault)
{
    struct buffer draft = {0};
    int result = -1, error;
    if (access(path, F_OK) == 0)
        return 0;
    if (buffer_printf(&draft, "%s.XXXXXX", path) == -1)
        return fault_errno(fault, path, "the key cannot be made");
    int fd = mkostemp(draft.data, O_CLOEXEC);
    if (fd == -1)
        goto done;
    if (fill(fd, uid, gid) == 0)
        result = link(draft.data, path) == 0 ? 1 : errno == EEXIST ? 0 : -1;
    error = errno;
    unlink(draft.data);
    close(fd);
    errno = error;

done:
    buffer_free(&draft);
    return result == -1 ? fault_errno(fault, path, "the key cannot be made") : result;
}

int key_file_read(const char *path, unsigned char key[static PRIVACY_KEY_SIZE], struct buffer *fault)
{
    struct stat st;
    char text[2 * TEXT_SIZE];
    ssize_t len = -1;
    int result = -1, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd == -1)
        return fault_errno(fault, path, "the key cannot be read");
    if (fstat(fd, &st) == -1 || (S_ISREG(st.st_mode) && (len = read(fd, text, sizeof text)) == -1)) {
        fault_errno(fault, path, "the key cannot be read");
    } else if (!S_ISREG(st.st_mode)) {
        buffer_printf(fault, "%s: the key must be in a regular file", path);
        errno = EINVAL;
    } else if (st.st_mode & (S_IRWXG | S_IRWXO)) {
        buffer_printf(
            fault,
            "%s: its mode %04o lets others than its owner at the key, and with it they can tell whose a token is; chmod "
            "600 it",
            path, st.st_mode & 07777U);
        errno = EINVAL;
    } else if (privacy_key_parse(text, (size_t)len, key) == -1) {
        buffer_printf(fault, "%s: it must hold %d hexadecimal digits and nothing else; remove it to have a new key made", path,
                      2 * PRIVACY_KEY_SIZE);
        errno = EINVAL;
    } else {
        result = 0;
    }
    int error = errno;
    explicit_bzero(text, sizeof text);
    close(fd);
    errno = error;
    return result;
}

/* Whether that may be done in a file's folder or, where there is none, in the one above. 0, or -1 with errno. */
static int folder_allows(const char *path, int what)
{
    char *folder = strdup(path);
    struct buffer inside = {0};
    int result = -1;
    for (int up = 0; folder && up < 2 && result == -1 && (!up || errno == ENOENT); up++) {
        buffer_clear(&inside);
        result = buffer_printf(&inside, "%s/.", dirname(folder)) == -1 ? -1 : access(inside.data, what);
    }
    int error = errno;
    buffer_free(&inside);
    free(folder);
    errno = error;
    return result;
}

int key_file_can_make(const char *path, struct buffer *fault)
{
    if (access(path, F_OK) == 0 || folder_allows(path, W_OK | X_OK) == 0)
        return 0;
    return fault_errno(fault, path, "the key cannot be made");
}

int key_file_test(const char *path, struct buffer *fault)
{
    unsigned char key[PRIVACY_KEY_SIZE];
    size_t before = fault->len;
    if (key_file_read(path, key, fault) == -1) {
        if (errno != ENOENT)
            return -1;
        buffer_cut(fault, before);
        if (folder_allows(path, X_OK) == -1)
            return fault_errno(fault, path, "the key cannot be read");
    }
    explicit_bzero(key, sizeof key);
    return 0;
}
