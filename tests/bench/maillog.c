/* Write a Postfix log of any size: sessions after templates.py's templates, at rising times, many at once, each with a client, users, processes and
 * queue ids of its own; the clients and users are often one of a few and seldom one of many.
 * usage: maillog TEMPLATES OCTETS [SEED] > FILE
 *
 * Marks of a template: A address and N name of the client, H its HELO, S a sender, R a mailbox of ours and V one that isn't, L a user of ours, E someone
 * elsewhere, U a user that is guessed, P process (0 smtpd, 9 smtpd for submission, 1 qmgr), Q queue id, M message id, X another server, K its queue id, Z size, # number. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "invented.h"

#define MARK '\1'
#define START 1780272000 /* 2026-06-01T00:00:00Z */
#define SESSIONS_A_SECOND 2.2 /* over the day; a gigabyte is about a week */
#define GAP 0.25 /* seconds between a session's lines, on average */
#define AT_ONCE 512 /* sessions */
#define LINES_MAX 64 /* a session */
#define SESSIONS_OF_PROCESS 100
#define BUFFER_SIZE (1 << 20)
#define LINE_SIZE 4096 /* more than a line takes that has so many marks and a quarter of that as text */
#define MARKS_MAX 32

struct template
{
    bool named; /* the client has a name */
    double until; /* its share, with those before it */
    int lines;
    const char *line[LINES_MAX];
};

struct session {
    const struct template *template;
    double time; /* of the next line */
    int next;
    uint64_t id; /* what its names are made of */
    uint64_t client;
    long pid;
    int used; /* sessions of that process */
};

static struct template *templates;
static int template_count;
static struct session slots[AT_ONCE];
static int heap[AT_ONCE], active; /* the slots in use, the one with the earliest line first */
static int spare[AT_ONCE], spares;
static uint64_t state;
static long pids = 20000;
static char buffer[BUFFER_SIZE + LINE_SIZE], *out = buffer;
static unsigned long long written;

static uint64_t draw(void)
{
    return mixed(state++);
}

/* How long it takes until something that happens so often does: in seconds. */
static double wait(double a_second)
{
    return -log(1 - share_of(draw())) / a_second;
}

static void put(const char *s, size_t len)
{
    memcpy(out, s, len);
    out += len;
}

static void put_string(const char *s)
{
    put(s, strlen(s));
}

static void put_number(uint64_t n)
{
    char digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + n % 10);
    while (n /= 10);
    put(digits + at, sizeof digits - at);
}

static void put_digits(uint64_t n, int count)
{
    static const char digits[] = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
    while (count--) {
        *out++ = digits[n % 52];
        n /= 52;
    }
}

/* One of the networks for tests: 198.18.0.0/15 for clients with a name, 100.64.0.0/10 for the others. */
static void put_address(uint64_t client, bool named)
{
    uint64_t h = mixed(client);
    put_string(named ? "198." : "100.");
    put_number(named ? 18 + (h >> 16) % 2 : 64 + (h >> 16) % 64);
    *out++ = '.';
    put_number(h >> 8 & 255);
    *out++ = '.';
    put_number(h & 255);
}

static void put_client_name(uint64_t client)
{
    put_string(client % 3 ? "mail" : "mx");
    put_number(client % 9);
    *out++ = '.';
    out = domain(client, out);
}

static void put_helo(const struct session *s)
{
    if (s->template->named && s->client % 4) {
        put_client_name(s->client);
    } else {
        out = word(s->client, out);
        put_string(".local");
    }
}

static void put_pid(const struct session *s, int which)
{
    if (which == 0 || which == 9)
        put_number((uint64_t)s->pid + (which == 9 ? 2000000 : 0));
    else
        put_number(which == 1 ? 911 : 3000 + 97 * (uint64_t)which + mixed(s->id) % 9);
}

static void put_relay(uint64_t server)
{
    put_string("mx.");
    out = domain(server, out);
    *out++ = '[';
    put_address(server, true);
    put_string("]:25");
}

/* The digit behind the letter, 0 where it has none. */
static int number_of(const char **at)
{
    return strchr("PQREVM", **at) ? *++*at - '0' : 0;
}

static void put_message_id(uint64_t h, const struct session *s)
{
    put_digits(h, 8);
    *out++ = '.';
    put_number(h >> 40);
    *out++ = '@';
    out = domain(s->client, out);
}

static void put_queue_id(uint64_t id)
{
    *out++ = '4';
    put_digits(id, 10);
    *out++ = 'z';
    put_digits(mixed(id), 3);
}

/* A user of our domains, of so many from that number on. False: the letter stands for no such. */
static bool put_local(char letter, uint64_t h)
{
    static const struct {
        char letter;
        uint64_t from, count;
    } users[] = {{'R', 0, 5000}, {'L', 0, 800}, {'V', 1000000, 50000}, {'U', 2000000, 3000}};
    for (size_t i = 0; i < sizeof users / sizeof *users; i++)
        if (users[i].letter == letter) {
            out = mailbox(users[i].from + pick(h, users[i].count), h % 3, out);
            return true;
        }
    return false;
}

/* Write what the mark at that place stands for. The place behind it. */
static const char *put_mark(const struct session *s, const char *at)
{
    char letter = *at;
    uint64_t which = (uint64_t)number_of(&at), h = mixed(s->id ^ which << 40 ^ (uint64_t)letter << 48);
    uint64_t server = 5000 + pick(mixed(s->id), 20000);
    if (put_local(letter, h))
        return at + 1;
    if (letter == 'A')
        put_address(s->client, s->template->named);
    else if (letter == 'N')
        put_client_name(s->client);
    else if (letter == 'H')
        put_helo(s);
    else if (letter == 'S')
        out = mailbox(pick(h, 400) + 1000 * s->client, s->client, out);
    else if (letter == 'E')
        out = mailbox(pick(h, 100000), server, out);
    else if (letter == 'X')
        put_relay(server);
    else if (letter == 'P')
        put_pid(s, (int)which);
    else if (letter == 'M')
        put_message_id(h, s);
    else if (letter == 'Q' || letter == 'K')
        put_queue_id(letter == 'Q' ? 16 * s->id + which : h);
    else
        put_number(letter == 'Z' ? 700 + pick(h, 3000000) : h % 100000);
    return at + 1;
}

/* "Jun  1 00:00:00 " */
static void put_time(double time)
{
    static time_t last = -1;
    static char text[32];
    time_t second = START + (time_t)time;
    if (second != last) {
        struct tm tm;
        gmtime_r(&second, &tm);
        strftime(text, sizeof text, "%b %e %H:%M:%S ", &tm);
        last = second;
    }
    put(text, 16);
}

static void put_line(const struct session *s)
{
    const char *at = s->template->line[s->next], *mark;
    put_time(s->time);
    while ((mark = strchr(at, MARK))) {
        put(at, (size_t)(mark - at));
        at = put_mark(s, mark + 1);
    }
    put_string(at);
    *out++ = '\n';
    if (out < buffer + BUFFER_SIZE)
        return;
    written += (unsigned long long)(out - buffer);
    if (fwrite(buffer, 1, (size_t)(out - buffer), stdout) != (size_t)(out - buffer)) {
        perror("maillog");
        exit(1);
    }
    out = buffer;
}

/* Put the slot that is in the heap's that place where its time belongs. */
static void sink(int place)
{
    int slot = heap[place];
    for (int child; (child = 2 * place + 1) < active; place = child) {
        if (child + 1 < active && slots[heap[child + 1]].time < slots[heap[child]].time)
            child++;
        if (slots[heap[child]].time >= slots[slot].time)
            break;
        heap[place] = heap[child];
    }
    heap[place] = slot;
}

static void rise(int place)
{
    int slot = heap[place];
    for (; place && slots[heap[(place - 1) / 2]].time > slots[slot].time; place = (place - 1) / 2)
        heap[place] = heap[(place - 1) / 2];
    heap[place] = slot;
}

static const struct template *any_template(void)
{
    double share = share_of(draw()) * templates[template_count - 1].until;
    int low = 0, high = template_count - 1;
    while (low < high) {
        int middle = (low + high) / 2;
        if (templates[middle].until > share)
            high = middle;
        else
            low = middle + 1;
    }
    return &templates[low];
}

static void begin_session(double time)
{
    static uint64_t ids;
    struct session *s = &slots[spare[--spares]];
    if (s->used++ % SESSIONS_OF_PROCESS == 0)
        s->pid = pids = pids > 1900000 ? 20000 : pids + 1 + (long)(draw() % 50);
    s->template = any_template();
    s->time = time;
    s->next = 0;
    s->id = ++ids;
    s->client = pick(draw(), s->template->named ? 60000 : 400000);
    heap[active++] = (int)(s - slots);
    rise(active - 1);
}

/* Write the lines before that time. */
static void write_until(double time)
{
    while (active && slots[heap[0]].time < time) {
        struct session *s = &slots[heap[0]];
        put_line(s);
        s->time += wait(1 / GAP);
        if (++s->next == s->template->lines) {
            spare[spares++] = heap[0];
            heap[0] = heap[--active];
        }
        sink(0);
    }
}

/* When the next session begins: more by day than by night. */
static double next_time(double time)
{
    double of_day = 1 - 0.6 * cos(2 * M_PI * (time - 3 * 3600.0) / 86400);
    return time + wait(SESSIONS_A_SECOND * of_day);
}

static bool add_line(char *line)
{
    static int room;
    line[strcspn(line, "\n")] = '\0';
    int weight, named;
    if (sscanf(line, "session %d %d", &weight, &named) == 2) {
        if (template_count == room)
            templates = realloc(templates, (size_t)(room = 2 * room + 64) * sizeof *templates);
        if (!templates)
            return false;
        templates[template_count] = (struct template){.named = named, .until = weight};
        if (template_count)
            templates[template_count].until += templates[template_count - 1].until;
        template_count++;
        return true;
    }
    struct template *t = template_count ? &templates[template_count - 1] : NULL;
    int marks = 0;
    for (const char *at = line; (at = strchr(at, MARK)); at++)
        marks++;
    if (*line != '\t' || !t || t->lines == LINES_MAX || strlen(line) > LINE_SIZE / 4 || marks > MARKS_MAX)
        return false;
    return (t->line[t->lines++] = strdup(line + 1));
}

static bool read_templates(const char *path)
{
    char line[LINE_SIZE];
    FILE *file = fopen(path, "r");
    bool good = file;
    while (good && fgets(line, sizeof line, file))
        good = add_line(line);
    if (file)
        fclose(file);
    return good && template_count;
}

int main(int argc, char **argv)
{
    unsigned long long octets = argc == 3 || argc == 4 ? strtoull(argv[2], NULL, 10) : 0;
    if (!octets) {
        fputs("usage: maillog TEMPLATES OCTETS [SEED]\n", stderr);
        return 64;
    }
    if (!read_templates(argv[1])) {
        fprintf(stderr, "maillog: %s has no templates\n", argv[1]);
        return 65;
    }
    state = mixed(argc == 4 ? strtoull(argv[3], NULL, 10) : 1);
    for (spares = 0; spares < AT_ONCE; spares++)
        spare[spares] = AT_ONCE - 1 - spares;
    double time = 0;
    for (; written + (unsigned long long)(out - buffer) < octets; time = next_time(time)) {
        write_until(time);
        if (spares)
            begin_session(time);
    }
    write_until(HUGE_VAL);
    bool good = fwrite(buffer, 1, (size_t)(out - buffer), stdout) == (size_t)(out - buffer) && fflush(stdout) == 0;
    return good ? 0 : (perror("maillog"), 1);
}
