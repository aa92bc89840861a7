#include "html.h"

#include <stdarg.h>
#include <string.h>

#include <openssl/evp.h>

#include "print.h"

#define SHA256_SIZE 32
#define HASH_SIZE (SHA256_SIZE / 3 * 4 + 5) /* in base64, with its NUL */

/* One conversion; the octets of the format that it takes. */
static size_t convert(FILE *to, const char *format, va_list *args)
{
    switch (format[1]) {
    case 's': {
        const char *text = va_arg(*args, const char *);
        print_html(to, text, strlen(text));
        return 2;
    }
    case 'd':
        fprintf(to, "%d", va_arg(*args, int));
        return 2;
    case 'l':
        fprintf(to, "%lu", va_arg(*args, unsigned long));
        return 3;
    default:
        fputc('%', to);
        return 2;
    }
}

void html(FILE *to, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    while (*format) {
        size_t plain = strcspn(format, "%");
        fwrite(format, 1, plain, to);
        format += plain;
        if (*format)
            format += convert(to, format, &args);
    }
    va_end(args);
}

/* The hash of an inline element as a policy has it, without its quotes. 0 or -1. */
static int hash(const char *text, char out[static HASH_SIZE])
{
    unsigned char octets[EVP_MAX_MD_SIZE];
    if (EVP_Digest(text, strlen(text), octets, NULL, EVP_sha256(), NULL) != 1)
        return -1;
    EVP_EncodeBlock((unsigned char *)out, octets, SHA256_SIZE);
    return 0;
}

int html_policy(FILE *to, const char *style, const char *script)
{
    char style_hash[HASH_SIZE], script_hash[HASH_SIZE];
    if (hash(style, style_hash) == -1 || hash(script, script_hash) == -1)
        return -1;
    fprintf(to,
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-%s'; script-src "
            "'sha256-%s'; "
            "base-uri 'none'; form-action 'none'\">\n",
            style_hash, script_hash);
    return 0;
}

void html_style(FILE *to, const char *style)
{
    fprintf(to, "<style>%s</style>\n", style);
}

void html_script(FILE *to, const char *script)
{
    fprintf(to, "<script>%s</script>\n", script);
}

const char *html_direction(const char *language)
{
    static const char *const rtl[] = {"ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"};
    size_t len = strcspn(language, "-_");
    for (size_t i = 0; i < sizeof rtl / sizeof *rtl; i++)
        if (strlen(rtl[i]) == len && strncmp(rtl[i], language, len) == 0)
            return "rtl";
    return "ltr";
}
