#include "unit.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <mailwhy/endpoint.h>

#define STRANGE_GID 54321 /* root may give a file to any group */

static char root[] = "/tmp/mailwhy-endpoint-XXXXXX";
static char path[sizeof root + 16], endpoint[sizeof path + 8];
static const struct endpoint_owner leave = {(uid_t)-1, (gid_t)-1, 0600};

static int make_root(void **state)
{
    (void)state;
    if (!mkdtemp(root))
        return -1;
    snprintf(path, sizeof path, "%s/socket", root);
    snprintf(endpoint, sizeof endpoint, "unix:%s", path);
    return 0;
}

static int remove_root(void **state)
{
    (void)state;
    return rmdir(root);
}

static void test_faults(void **state)
{
#define LEN_100 "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
    static const struct {
        const char *endpoint, *fault; /* NULL: none */
    } rows[] = {
        {"unix:/run/mailwhy/reply", NULL},
        {"local:/run/mailwhy/reply", NULL},
        {"unix:/" LEN_100 "123456", NULL},
        {"unix:/" LEN_100 "1234567", "longer than a unix socket can have (107 octets)"},
        {"unix:mailwhy/reply", "must begin with /"},
        {"unix:", "must begin with /"},
        {"UNIX:/run/reply", "unix:PATH, inet:PORT@HOST or inet6:PORT@HOST"},
        {"/run/mailwhy/reply", "unix:PATH, inet:PORT@HOST or inet6:PORT@HOST"},
        {"tcp:9806@localhost", "unix:PATH, inet:PORT@HOST or inet6:PORT@HOST"},
        {"", "unix:PATH, inet:PORT@HOST or inet6:PORT@HOST"},
        {"inet:9806@127.0.0.1", NULL},
        {"inet:1@localhost", NULL},
        {"inet:65535@localhost", NULL},
        {"inet6:9806@::1", NULL},
        {"inet:0@localhost", "a port from 1 to 65535"},
        {"inet:65536@localhost", "a port from 1 to 65535"},
        {"inet:123456@localhost", "a port from 1 to 65535"},
        {"inet:-1@localhost", "a port from 1 to 65535"},
        {"inet: 25@localhost", "a port from 1 to 65535"},
        {"inet:smtp@localhost", "a port from 1 to 65535"},
        {"inet:@localhost", "a port from 1 to 65535"},
        {"inet:9806", "PORT@HOST"},
        {"inet:9806@", "PORT@HOST"},
        {"inet:127.0.0.1:9806", "PORT@HOST"},
        {"inet6:", "PORT@HOST"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        print_message("\"%s\"\n", rows[i].endpoint);
        const char *fault = endpoint_fault(rows[i].endpoint);
        if (!rows[i].fault)
            assert_null(fault);
        else if (!fault || !strstr(fault, rows[i].fault))
            fail_msg("expected \"%s\", got \"%s\"", rows[i].fault, fault ? fault : "none");
    }
}

/* Listen where it must work. */
static int listen_at(const char *where, const struct endpoint_owner *owner)
{
    struct buffer fault = {0};
    int fd = endpoint_listen(where, owner, &fault);
    if (fd == -1)
        fail_msg("%s", buffer_string(&fault));
    assert_int_equal(fault.len, 0);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    return fd;
}

/* Listen where it must not work, for that cause. */
static void refuse_at(const char *where, const char *cause)
{
    struct buffer fault = {0};
    assert_int_equal(endpoint_listen(where, &leave, &fault), -1);
    if (strncmp(buffer_string(&fault), where, strlen(where)) != 0 || !strstr(fault.data, cause))
        fail_msg("expected \"%s: ... %s\", got \"%s\"", where, cause, buffer_string(&fault));
    buffer_free(&fault);
}

/* Connect to the unix socket at the path. 0 or -1. */
static int connect_to(const char *where)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, where, strlen(where) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    int result = connect(fd, (const struct sockaddr *)&address, sizeof address);
    close(fd);
    return result;
}

static void test_mode_and_group(void **state)
{
    static const mode_t modes[] = {0600, 0660, 0666, 0606};
    struct endpoint_owner owner = {geteuid(), geteuid() == 0 ? STRANGE_GID : getegid(), 0};
    mode_t mask = umask(0077); /* has no part in it */
    (void)state;
    for (size_t i = 0; i < ROWS(modes); i++) {
        struct stat st;
        owner.mode = modes[i];
        int fd = listen_at(endpoint, &owner);
        assert_int_equal(stat(path, &st), 0);
        assert_true(S_ISSOCK(st.st_mode));
        assert_int_equal(st.st_mode & 07777, modes[i]);
        assert_int_equal(st.st_uid, owner.uid);
        assert_int_equal(st.st_gid, owner.gid);
        assert_int_equal(connect_to(path), 0);
        close(fd);
        endpoint_unlink(endpoint);
        assert_int_equal(access(path, F_OK), -1);
    }
    assert_int_equal(umask(mask), 0077);
}

static void test_owner_left(void **state)
{
    struct stat st;
    (void)state;
    int fd = listen_at(endpoint, &leave);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_uid, geteuid());
    assert_int_equal(st.st_mode & 07777, 0600);
    close(fd);
    endpoint_unlink(endpoint);
}

/* A crash leaves its socket behind: nobody answers there. */
static void test_stale_socket(void **state)
{
    (void)state;
    int crashed = listen_at(endpoint, &leave);
    close(crashed);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(connect_to(path), -1);
    int fd = listen_at(endpoint, &leave);
    assert_int_equal(connect_to(path), 0);
    close(fd);
    endpoint_unlink(endpoint);
}

static void test_live_socket(void **state)
{
    struct stat before, after;
    (void)state;
    int alive = listen_at(endpoint, &leave);
    assert_int_equal(stat(path, &before), 0);
    refuse_at(endpoint, "another process answers there (is mailwhyd running already?)");
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(connect_to(path), 0);
    close(alive);
    endpoint_unlink(endpoint);
}

/* One whose queue of connections is full is alive, too: it is only slow. */
static void test_busy_socket(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fds[8];
    size_t count = 0;
    (void)state;
    memcpy(address.sun_path, path, strlen(path) + 1);
    int busy = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(busy, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(busy, 0), 0);
    int connected = 0;
    while (connected == 0 && count < ROWS(fds)) {
        fds[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connected = connect(fds[count++], (const struct sockaddr *)&address, sizeof address);
    }
    assert_int_equal(connected, -1);
    refuse_at(endpoint, "another process answers there");
    while (count)
        close(fds[--count]);
    close(busy);
    endpoint_unlink(endpoint);
}

/* Whatever is no socket stays as it is. */
static void test_not_a_socket(void **state)
{
    static const char text[] = "do not touch\n";
    char target[sizeof root + 16], read_back[64] = "";
    struct stat st;
    (void)state;
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    refuse_at(endpoint, "there is a file that is not a socket");
    f = fopen(path, "r");
    assert_non_null(f);
    assert_non_null(fgets(read_back, sizeof read_back, f));
    fclose(f);
    assert_string_equal(read_back, text);

    snprintf(target, sizeof target, "%s/target", root);
    assert_int_equal(rename(path, target), 0);
    assert_int_equal(symlink("target", path), 0);
    refuse_at(endpoint, "there is a file that is not a socket");
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(unlink(target), 0);
    refuse_at(endpoint, "there is a file that is not a socket"); /* the link leads nowhere now */
    assert_int_equal(unlink(path), 0);

    assert_int_equal(mkdir(path, 0700), 0);
    refuse_at(endpoint, "there is a file that is not a socket");
    assert_int_equal(rmdir(path), 0);
}

/* A missing folder is made, but not the one above it. */
static void test_missing_folder(void **state)
{
    char folder[sizeof root + 16], where[sizeof root + 40];
    struct endpoint_owner owner = {geteuid(), geteuid() == 0 ? STRANGE_GID : getegid(), 0660};
    struct stat st;
    mode_t mask = umask(022);
    (void)state;
    snprintf(folder, sizeof folder, "%s/made", root);
    snprintf(where, sizeof where, "unix:%s/socket", folder);
    int fd = listen_at(where, &owner);
    assert_int_equal(stat(folder, &st), 0);
    assert_true(S_ISDIR(st.st_mode));
    assert_int_equal(st.st_mode & 07777, 0750);
    assert_int_equal(st.st_gid, owner.gid);
    close(fd);
    endpoint_unlink(where);

    snprintf(where, sizeof where, "unix:%s/deep/socket", folder);
    assert_int_equal(rmdir(folder), 0);
    refuse_at(where, "No such file or directory");
    assert_int_equal(access(folder, F_OK), -1);
    umask(mask);
}

/* A folder that is there stays as it is. */
static void test_folder_left(void **state)
{
    struct endpoint_owner owner = {geteuid(), geteuid() == 0 ? STRANGE_GID : getegid(), 0660};
    struct stat before, after;
    (void)state;
    assert_int_equal(stat(root, &before), 0);
    close(listen_at(endpoint, &owner));
    endpoint_unlink(endpoint);
    assert_int_equal(stat(root, &after), 0);
    assert_int_equal(before.st_mode, after.st_mode);
    assert_int_equal(before.st_gid, after.st_gid);
}

static void test_bad_form(void **state)
{
    (void)state;
    refuse_at("unix:relative", "must begin with /");
    refuse_at("inet:0@127.0.0.1", "a port from 1 to 65535");
}

static void test_port_in_use(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    char where[64];
    (void)state;
    int other = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(other, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(other, 1), 0);
    assert_int_equal(getsockname(other, (struct sockaddr *)&address, &len), 0);
    snprintf(where, sizeof where, "inet:%u@127.0.0.1", (unsigned)ntohs(address.sin_port));
    refuse_at(where, "cannot listen: Address already in use");
    close(other);

    int fd = listen_at(where, &leave); /* now it is free */
    int client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(client, (const struct sockaddr *)&address, sizeof address), 0);
    endpoint_unlink(where); /* does nothing */
    close(client);
    close(fd);
}

static void test_unknown_host(void **state)
{
    (void)state;
    refuse_at("inet:9806@::1", "inet:9806@::1: "); /* an address of the other family: no name service is asked */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults),       cmocka_unit_test(test_mode_and_group), cmocka_unit_test(test_owner_left),
        cmocka_unit_test(test_stale_socket), cmocka_unit_test(test_live_socket),    cmocka_unit_test(test_busy_socket),
        cmocka_unit_test(test_not_a_socket), cmocka_unit_test(test_missing_folder), cmocka_unit_test(test_folder_left),
        cmocka_unit_test(test_bad_form),     cmocka_unit_test(test_port_in_use),    cmocka_unit_test(test_unknown_host),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
