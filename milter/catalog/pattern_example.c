#include <mailwhy/pattern_example.h>

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define DEPTH_MAX 32
#define STEPS_MAX 20000
#define REPEATS_MAX 200 /* that must be: an example is not to be longer */
#define REPEAT_MORE 3 /* at most so many more than must be */

struct maker {
    const char *at;
    struct buffer *out;
    uint32_t seed; /* of the choices; 0: always the first */
    int depth;
    unsigned *steps; /* that are left: reading ahead costs twice as much with each group within a group */
    bool lost; /* something is not understood */
};

/* One of count choices. */
static uint32_t choose(struct maker *m, uint32_t count)
{
    if (m->seed == 0 || count == 0)
        return 0;
    m->seed = m->seed * 1664525U + 1013904223U;
    return (m->seed >> 8) % count;
}

static void make_alternatives(struct maker *m, bool silent);

static void put(struct maker *m, bool silent, char c)
{
    if (!silent)
        buffer_add_char(m->out, c);
}

/* An octet that an escape stands for; "" for one that stands for none (a boundary). */
static const char *escaped(struct maker *m, char c)
{
    static const char *const digits[] = {"7", "1", "0"}, *const letters[] = {"a", "k", "7", "z"};
    switch (c) {
    case 'd':
        return digits[choose(m, 3)];
    case 'w':
        return letters[choose(m, 4)];
    case 'S':
        return letters[choose(m, 4)];
    case 'D':
    case 'W':
        return c == 'W' ? " " : letters[0];
    case 's':
    case 'h':
        return " ";
    case 't':
        return "\t";
    case 'b':
    case 'B':
    case 'A':
    case 'z':
    case 'Z':
    case 'K':
        return "";
    default:
        m->lost = m->lost || isalnum((unsigned char)c);
        return NULL;
    }
}

/* The set of octets of a class, which begins behind its '['. */
static void read_class(struct maker *m, bool set[256])
{
    bool negated = *m->at == '^';
    m->at += negated;
    memset(set, 0, 256 * sizeof *set);
    for (bool first = true; *m->at && (*m->at != ']' || first); first = false) {
        unsigned char from = (unsigned char)*m->at++;
        if (from == '\\') {
            char c = *m->at ? *m->at++ : '\\';
            for (int i = 0; i < 256; i++)
                if ((c == 'd' && isdigit(i)) || (c == 'w' && (isalnum(i) || i == '_')) || (c == 's' && isspace(i)) ||
                    (c == 'S' && !isspace(i)))
                    set[i] = true;
            if (strchr("dwsS", c))
                continue;
            from = (unsigned char)c;
        }
        unsigned char to = from;
        if (*m->at == '-' && m->at[1] && m->at[1] != ']') {
            to = (unsigned char)m->at[1];
            m->at += 2;
        }
        for (int i = from; i <= to; i++)
            set[i] = true;
    }
    m->at += *m->at == ']';
    for (int i = 0; i < 256 && negated; i++)
        set[i] = !set[i];
}

static void make_class(struct maker *m, bool silent)
{
    bool set[256];
    char printable[96];
    unsigned count = 0;
    read_class(m, set);
    for (int i = '~'; i >= ' '; i--) /* letters come before digits and blanks */
        if (set[i])
            printable[count++] = (char)i;
    if (count)
        put(m, silent, printable[choose(m, count)]);
    else
        m->lost = true;
}

/* A group, which begins behind its '('. */
static void make_group(struct maker *m, bool silent)
{
    if (*m->at == '?') {
        bool looks = m->at[1] == '=' || m->at[1] == '!' || (m->at[1] == '<' && (m->at[2] == '=' || m->at[2] == '!'));
        const char *end = strpbrk(m->at, looks ? "=!" : ":>)");
        m->lost = m->lost || !end;
        if (!end)
            return;
        bool follows = looks && m->at[1] == '=' && choose(m, 2) == 0; /* what it looks for may as well stand there */
        silent = silent || (looks && !follows);
        m->at = end + (*end != ')');
    }
    make_alternatives(m, silent);
    m->at += *m->at == ')';
}

static void make_atom(struct maker *m, bool silent)
{
    char c = *m->at++;
    const char *text;
    if (c == '[') {
        make_class(m, silent);
    } else if (c == '(') {
        make_group(m, silent);
    } else if (c == '.') {
        put(m, silent, "x 7"[choose(m, 3)]);
    } else if (c == '\\' && *m->at) {
        c = *m->at++;
        text = escaped(m, c);
        if (!text)
            put(m, silent, c);
        else if (*text)
            put(m, silent, *text);
    } else if (c != '^' && c != '$') {
        put(m, silent, c);
    }
}

/* Read a quantifier. False where there is none. */
static bool read_quantifier(struct maker *m, unsigned *least, unsigned *most)
{
    *least = *most = 1;
    if (*m->at == '?' || *m->at == '*' || *m->at == '+') {
        *least = *m->at == '+';
        *most = *m->at == '?' ? 1 : *least + REPEAT_MORE;
        m->at++;
    } else if (*m->at == '{' && isdigit((unsigned char)m->at[1])) {
        unsigned n[2] = {0, 0};
        int which = 0;
        bool open = false;
        for (m->at++; *m->at && *m->at != '}'; m->at++) {
            open = *m->at == ',';
            which += *m->at == ',';
            if (isdigit((unsigned char)*m->at) && which < 2 && n[which] < 100000)
                n[which] = n[which] * 10 + (unsigned)(*m->at - '0');
        }
        m->at += *m->at == '}';
        *least = n[0];
        *most = which ? (open ? n[0] + REPEAT_MORE : n[1]) : n[0];
        m->lost = m->lost || *least > REPEATS_MAX || *most < *least;
        if (*most > *least + REPEAT_MORE)
            *most = *least + REPEAT_MORE;
    } else {
        return false;
    }
    m->at += *m->at == '?' || *m->at == '+'; /* lazy, possessive */
    return true;
}

static void make_piece(struct maker *m, bool silent)
{
    const char *atom = m->at;
    struct maker ahead = *m;
    unsigned least, most;
    if (*m->steps == 0) {
        m->lost = true;
        return;
    }
    --*m->steps;
    make_atom(&ahead, true); /* to see what quantifier comes behind it */
    m->lost = m->lost || ahead.lost;
    read_quantifier(&ahead, &least, &most);
    unsigned times = least + choose(m, most - least + 1);
    const char *behind = ahead.at;
    for (unsigned i = 0; i < times && !m->lost; i++) {
        m->at = atom;
        make_atom(m, silent);
    }
    m->at = behind;
}

static void make_sequence(struct maker *m, bool silent)
{
    while (*m->at && *m->at != '|' && *m->at != ')' && !m->lost)
        make_piece(m, silent);
}

/* Alternatives up to the end of their group: one of them is made. */
static void make_alternatives(struct maker *m, bool silent)
{
    struct maker counting = *m;
    uint32_t count = 1;
    if (++m->depth > DEPTH_MAX) {
        m->lost = true;
        return;
    }
    counting.depth = m->depth;
    for (make_sequence(&counting, true); *counting.at == '|' && !counting.lost; count++) {
        counting.at++;
        make_sequence(&counting, true);
    }
    m->lost = m->lost || counting.lost;
    uint32_t taken = choose(m, count);
    for (uint32_t i = 0; i < count && !m->lost; i++) {
        make_sequence(m, silent || i != taken);
        m->at += *m->at == '|';
    }
    m->depth--;
}

int pattern_example(const char *pattern, unsigned n, struct buffer *out)
{
    unsigned steps = STEPS_MAX;
    struct maker m = {.at = pattern, .out = out, .steps = &steps, .seed = n * 2654435761U};
    make_alternatives(&m, false);
    if (!buffer_ok(out))
        return -1;
    return !m.lost && !*m.at;
}
