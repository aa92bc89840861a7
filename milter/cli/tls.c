#include "tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_SHOWN 5 /* of a certificate */

struct tls {
    const struct tls_options *options;
    SSL_CTX *context;
    SSL *ssl;
    bool done; /* the handshake */
    bool broken;
    struct buffer certificate_fault;
};

static int fail(struct buffer *fault, const char *what)
{
    const char *why = ERR_reason_error_string(ERR_peek_last_error());
    buffer_clear(fault);
    buffer_printf(fault, "%s%s%s", what, why ? ": " : "", why ? why : "");
    ERR_clear_error();
    return TLS_FAILED;
}

/* Append the names that a certificate is for. */
static void add_names(struct buffer *out, const X509 *certificate)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    int shown = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && shown < NAMES_SHOWN; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_DNS)
            continue;
        buffer_add_string(out, shown++ ? ", " : "; it is for ");
        buffer_add(out, ASN1_STRING_get0_data(name->d.dNSName), (size_t)ASN1_STRING_length(name->d.dNSName));
    }
    GENERAL_NAMES_free(names);
}

/* Note the first thing that is wrong with the certificate. */
static int on_certificate(int good, X509_STORE_CTX *store)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls *t = SSL_get_app_data(ssl);
    if (good)
        return 1;
    if (t->certificate_fault.len == 0) {
        int error = X509_STORE_CTX_get_error(store);
        buffer_add_string(&t->certificate_fault, X509_verify_cert_error_string(error));
        if (error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH) {
            buffer_printf(&t->certificate_fault, " (asked for: %s)", t->options->name);
            add_names(&t->certificate_fault, X509_STORE_CTX_get0_cert(store));
        }
    }
    return t->options->insecure;
}

static bool is_address(const char *name)
{
    unsigned char octets[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, name, octets) == 1 || inet_pton(AF_INET6, name, octets) == 1;
}

/* Say whom the certificate must be for. */
static bool set_name(SSL *ssl, const char *name)
{
    if (is_address(name))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

struct tls *tls_new(int fd, const struct tls_options *options, struct buffer *fault)
{
    struct tls *t = calloc(1, sizeof *t);
    if (!t) {
        fail(fault, "out of memory");
        return NULL;
    }
    t->options = options;
    t->context = SSL_CTX_new(TLS_client_method());
    if (!t->context || SSL_CTX_set_min_proto_version(t->context, TLS1_2_VERSION) != 1) {
        fail(fault, "TLS could not be set up");
        goto failed;
    }
    if (options->ca_file ? SSL_CTX_load_verify_file(t->context, options->ca_file) != 1
                         : SSL_CTX_set_default_verify_paths(t->context) != 1) {
        fail(fault, "the certificates of the authorities could not be read");
        goto failed;
    }
    t->ssl = SSL_new(t->context);
    if (!t->ssl || SSL_set_app_data(t->ssl, t) != 1 || SSL_set_fd(t->ssl, fd) != 1 || !set_name(t->ssl, options->name)) {
        fail(fault, "TLS could not be set up");
        goto failed;
    }
    SSL_set_verify(t->ssl, SSL_VERIFY_PEER, on_certificate);
    return t;
failed:
    tls_free(t);
    return NULL;
}

/* What a call of OpenSSL came to that returned got. */
static int result_of(struct tls *t, int got, const char *what, struct buffer *fault)
{
    int error = errno;
    if (got > 0)
        return got;
    switch (SSL_get_error(t->ssl, got)) {
    case SSL_ERROR_WANT_READ:
        return TLS_WANTS_READ;
    case SSL_ERROR_WANT_WRITE:
        return TLS_WANTS_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return TLS_ENDED;
    default:
        break;
    }
    t->broken = true;
    unsigned long queued = ERR_peek_last_error();
    if (queued ? ERR_GET_REASON(queued) == SSL_R_UNEXPECTED_EOF_WHILE_READING
               : error == 0 || error == ECONNRESET || error == EPIPE)
        return TLS_ENDED;
    if (queued)
        return fail(fault, what);
    buffer_clear(fault);
    buffer_printf(fault, "%s: %s", what, strerror(error));
    return TLS_FAILED;
}

int tls_connect(struct tls *t, struct buffer *fault)
{
    ERR_clear_error();
    errno = 0;
    int result = result_of(t, SSL_connect(t->ssl), "the TLS handshake failed", fault);
    t->done = result > 0;
    if (result != TLS_FAILED || t->certificate_fault.len == 0 || t->options->insecure)
        return result;
    buffer_clear(fault);
    buffer_printf(fault, "the certificate is not good: %s (--tls-name, --ca-file and --insecure are for that)",
                  buffer_string(&t->certificate_fault));
    return TLS_FAILED;
}

int tls_read(struct tls *t, char *to, size_t size, struct buffer *fault)
{
    ERR_clear_error();
    errno = 0;
    return result_of(t, SSL_read(t->ssl, to, (int)size), "reading failed", fault);
}

int tls_write(struct tls *t, const char *octets, size_t len, struct buffer *fault)
{
    ERR_clear_error();
    errno = 0;
    return result_of(t, SSL_write(t->ssl, octets, (int)len), "sending failed", fault);
}

struct tls_facts tls_facts(const struct tls *t)
{
    struct tm tm;
    const X509 *certificate = SSL_get0_peer_certificate(t->ssl);
    bool dated = certificate && ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm) == 1;
    return (struct tls_facts){.version = SSL_get_version(t->ssl),
                              .cipher = SSL_get_cipher_name(t->ssl),
                              .fault = t->certificate_fault.len ? buffer_string(&t->certificate_fault) : NULL,
                              .until = dated ? timegm(&tm) : 0};
}

void tls_free(struct tls *t)
{
    if (!t)
        return;
    if (t->done && !t->broken)
        SSL_shutdown(t->ssl);
    SSL_free(t->ssl);
    SSL_CTX_free(t->context);
    buffer_free(&t->certificate_fault);
    free(t);
}
