#include <mailwhy/milter_frame.h>

#include <string.h>

static uint32_t length_of(const char head[static FRAME_HEAD])
{
    const unsigned char *b = (const unsigned char *)head;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static const char *take(const char **s, size_t *len, size_t count)
{
    const char *at = *s;
    *s += count;
    *len -= count;
    return at;
}

static enum frame_event give_octets(struct frame *f, const char *octets, size_t size)
{
    f->octets = octets;
    f->size = size;
    return FRAME_OCTETS;
}

static enum frame_event give_whole(struct frame *f, const char *octets, size_t size)
{
    f->octets = octets;
    f->size = size;
    f->data = octets + FRAME_HEAD;
    f->len = size - FRAME_HEAD;
    return FRAME_WHOLE;
}

/* A head is there: its last so many octets stand before *s, the others came earlier. */
static enum frame_event begin(struct frame_reader *r, const char **s, size_t *len, size_t here, struct frame *f)
{
    uint32_t length = length_of(r->head);
    size_t head = r->head_len;
    bool in_place = here == head;
    r->head_len = 0;
    f->begins = head == FRAME_HEAD;
    f->command = f->begins ? r->head[FRAME_HEAD - 1] : '\0';
    r->left = f->begins ? length - 1 : 0;
    bool wanted = f->begins && f->command && strchr(r->wanted, f->command) && r->left <= FRAME_DATA_MAX;
    if (wanted && in_place && r->left <= *len) {
        const char *data = take(s, len, r->left);
        size_t size = head + r->left;
        r->left = 0;
        return give_whole(f, data - head, size);
    }
    if (wanted && buffer_add(&r->kept, r->head, head) == 0) {
        r->keeping = true;
        return FRAME_USED_UP;
    }
    if (!in_place)
        return give_octets(f, r->head, head);
    size_t more = r->left < *len ? r->left : *len;
    const char *data = take(s, len, more);
    r->left -= (uint32_t)more;
    return give_octets(f, data - head, head + more);
}

/* Go on with a frame that is kept. */
static enum frame_event keep(struct frame_reader *r, const char **s, size_t *len, struct frame *f)
{
    size_t more = r->left < *len ? r->left : *len;
    f->begins = true;
    f->command = r->kept.data[FRAME_HEAD - 1];
    if (buffer_add(&r->kept, *s, more) == -1) {
        r->keeping = false;
        r->given = true;
        return give_octets(f, r->kept.data, r->kept.len);
    }
    take(s, len, more);
    r->left -= (uint32_t)more;
    if (r->left)
        return FRAME_USED_UP;
    r->keeping = false;
    r->given = true;
    return give_whole(f, r->kept.data, r->kept.len);
}

enum frame_event frame_next(struct frame_reader *r, const char **s, size_t *len, struct frame *f)
{
    *f = (struct frame){0};
    if (r->given) {
        buffer_free(&r->kept);
        r->given = false;
    }
    if (!r->keeping && !r->left) {
        size_t here = 0;
        while (*len && (r->head_len < FRAME_HEAD - 1 || (r->head_len == FRAME_HEAD - 1 && length_of(r->head) > 0))) {
            r->head[r->head_len++] = *take(s, len, 1);
            here++;
        }
        if (r->head_len < FRAME_HEAD - 1 || (r->head_len == FRAME_HEAD - 1 && length_of(r->head) > 0))
            return FRAME_USED_UP;
        enum frame_event event = begin(r, s, len, here, f);
        if (event != FRAME_USED_UP)
            return event;
    }
    if (r->keeping)
        return *len || !r->left ? keep(r, s, len, f) : FRAME_USED_UP;
    if (!*len)
        return FRAME_USED_UP;
    size_t more = r->left < *len ? r->left : *len;
    r->left -= (uint32_t)more;
    return give_octets(f, take(s, len, more), more);
}

void frame_rest(const struct frame_reader *r, struct frame *f)
{
    *f = (struct frame){0};
    if (r->keeping)
        give_octets(f, r->kept.data, r->kept.len);
    else
        give_octets(f, r->head, r->head_len);
}

void frame_reader_free(struct frame_reader *r)
{
    buffer_free(&r->kept);
}

const char *frame_string(const char **data, size_t *len)
{
    const char *end = *len ? memchr(*data, '\0', *len) : NULL;
    return end ? take(data, len, (size_t)(end - *data) + 1) : NULL;
}

int frame_begin(struct buffer *out, char command, size_t data_len)
{
    uint32_t length = (uint32_t)data_len + 1;
    const char head[FRAME_HEAD] = {(char)(length >> 24), (char)(length >> 16), (char)(length >> 8), (char)length, command};
    return buffer_add(out, head, sizeof head);
}
