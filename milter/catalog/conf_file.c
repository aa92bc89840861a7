#include <mailwhy/conf_file.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX ((size_t)16 << 20) /* octets */
#define DEPTH_MAX 16 /* of braces that are looked after; ours are three deep */

/* libconfuse passes nothing of ours to the error function. */
static _Thread_local struct buffer *collecting;
static _Thread_local const char *reading; /* a section that has a default does not know its file */

static void collect(cfg_t *cfg, const char *format, va_list args)
{
    char what[512];
    vsnprintf(what, sizeof what, format, args);
    buffer_printf(collecting, "%s:%d: %s\n", reading, cfg ? cfg->line : 0, what);
}

const char *conf_file_read(struct buffer *text, const char *path)
{
    char block[65536];
    const char *fault = NULL;
    struct stat st;
    int fd =
        open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* a FIFO would block whoever waits for the configuration */
    bool fifo = fd != -1 && fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
    FILE *file = fd != -1 && !fifo ? fdopen(fd, "r") : NULL;
    if (!file) {
        fault = fifo ? "it is a pipe, not a file" : strerror(errno);
        if (fd != -1)
            close(fd);
        return fault;
    }
    for (size_t n; !fault && (n = fread(block, 1, sizeof block, file)) > 0;)
        if (text->len + n > FILE_MAX || buffer_add(text, block, n) == -1)
            fault = text->len + n > FILE_MAX ? "it is larger than 16 MiB" : "out of memory";
    if (!fault && ferror(file))
        fault = strerror(errno);
    fclose(file);
    if (!fault && buffer_add_char(text, '\n') == -1)
        fault = "out of memory";
    if (!fault && strlen(text->data) != text->len)
        fault = "it is not a text: it has a NUL octet";
    return fault;
}

/* Where the quoted string that s begins with ends. */
static char *skip_quoted(char *s)
{
    char quote = *s++;
    while (*s && *s != quote)
        s += *s == '\\' && s[1] ? 2 : 1;
    return *s ? s + 1 : s;
}

/* Where the comment that s begins with ends; s where it begins with none. */
static char *skip_comment(char *s)
{
    if (*s == '#' || (s[0] == '/' && s[1] == '/'))
        return s + strcspn(s, "\n");
    if (s[0] != '/' || s[1] != '*')
        return s;
    char *end = strstr(s + 2, "*/");
    return end ? end + 2 : s + strlen(s);
}

/* Do what libconfuse 3.3 does not: turn comments into blanks, as it counts the line of a comment three times and so would name wrong lines; and
 * fault a brace that is never closed, and a value that a comment would cut. */
static void prepare_text(char *s, const char *path, struct buffer *faults)
{
    static const char before_comment[] = " \t\r\n{}()=,\"'";
    int line = 1, depth = 0, opened[DEPTH_MAX];
    for (char last = '\n'; *s; last = s[-1]) {
        size_t dull = strcspn(s, "#/\"'{}\n");
        if (dull) {
            s += dull;
            continue;
        }
        char *end = skip_comment(s), *next = s + 1;
        bool comment = end > s;
        if (comment && !strchr(before_comment, last))
            buffer_printf(faults, "%s:%d: %.2s within a value begins a comment: put the value in quotes\n", path, line, s);
        if (comment)
            next = end;
        else if (*s == '"' || *s == '\'')
            next = skip_quoted(s);
        else if (*s == '{' && depth < DEPTH_MAX)
            opened[depth++] = line;
        else if (*s == '}' && depth > 0)
            depth--;
        for (; s < next; s++) {
            line += *s == '\n';
            if (comment && *s != '\n')
                *s = ' ';
        }
    }
    if (depth)
        buffer_printf(faults, "%s:%d: this { is not closed by a }\n", path, opened[depth - 1]);
}

/* Parse the text. CFG_SUCCESS, or a fault is collected. */
static int parse_text(cfg_t *cfg, const char *path, struct buffer *text, struct buffer *faults)
{
    size_t before = faults->len;
    FILE *file = fmemopen(text->data, text->len, "r");
    if (!file) {
        buffer_printf(faults, "%s:0: cannot be read: %s\n", path, strerror(errno));
        return CFG_FILE_ERROR;
    }
    collecting = faults;
    reading = path;
    int result = cfg_parse_fp(cfg, file);
    collecting = NULL;
    reading = NULL;
    fclose(file);
    if (result != CFG_SUCCESS && faults->len == before)
        buffer_printf(faults, "%s:%d: cannot be understood\n", path, cfg->line);
    return result;
}

cfg_t *conf_file_parse(const char *path, cfg_opt_t *options, void (*prepare)(cfg_t *), struct buffer *faults)
{
    struct buffer text = {0};
    cfg_t *cfg = NULL;
    const char *fault = conf_file_read(&text, path);
    if (!fault && (!text.data || !(cfg = cfg_init(options, CFGF_NONE))))
        fault = "out of memory";
    if (fault) {
        buffer_printf(faults, "%s:0: cannot be read: %s\n", path, fault);
        goto done;
    }
    prepare_text(text.data, path, faults);
    cfg->filename = strdup(path);
    cfg_set_error_function(cfg, collect);
    if (prepare)
        prepare(cfg);
    if (parse_text(cfg, path, &text, faults) != CFG_SUCCESS) {
        cfg_free(cfg);
        cfg = NULL;
    }

done:
    buffer_free(&text);
    return cfg;
}

/* Whether the line is "KIND TITLE {", the title in quotes or not. */
static bool begins_section(const char *line, const char *kind, const char *title)
{
    line += strspn(line, " \t");
    if (strncmp(line, kind, strlen(kind)) != 0)
        return false;
    line += strlen(kind);
    size_t blanks = strspn(line, " \t");
    line += blanks + strspn(line + blanks, "\"'");
    if (blanks == 0 || strncmp(line, title, strlen(title)) != 0)
        return false;
    line += strlen(title);
    return *(line + strspn(line, "\"' \t")) == '{';
}

int conf_file_section_line(cfg_t *section, const char *file)
{
    const char *kind = cfg_name(section), *title = cfg_title(section) ? cfg_title(section) : "";
    struct buffer text = {0};
    int found = section->line, number = 1;
    if (conf_file_read(&text, file) == NULL && text.data) {
        for (char *line = text.data, *end; (end = strchr(line, '\n')) && number <= section->line; line = end + 1, number++)
            if (begins_section(line, kind, title))
                found = number;
    }
    buffer_free(&text);
    return found;
}
