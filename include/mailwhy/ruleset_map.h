/* The reply map's side that Sendmail's rulesets ask (conf/sendmail/mailwhy.m4): a refusal's text, explained, on one line.
 *
 * The key's fields are divided by the octet 0x9b, which is what $| is in a rule:
 *     RULESET HOST VERSION CLIENT-ADDRESS CLIENT-PORT CLIENT-NAME TLS-VERSION AUTH-TYPE AUTH-USER ENHANCED-CODE ARGUMENT TEXT
 * RULESET: what follows check_ in its name; or sender, recipient: ruleset 0; or header. ARGUMENT: the address that a ruleset was asked about. TEXT: what stood behind $:. The others
 * are macros; each may be empty. What only the milter knows comes from the session of that client and port.
 *
 * The answer's value is the text for $: as one quoted token, which Sendmail takes up to 256 octets of. */
#ifndef MAILWHY_RULESET_MAP_H
#define MAILWHY_RULESET_MAP_H

#include <mailwhy/service.h>

#define RULESET_TOKEN_MAX 256 /* octets, quotes included: Sendmail's MAXNAME */

/* Fill answer with "OK " and the value, which is the text as it was where nothing is to be added; or "NOTFOUND " for a key that is none. x is used again and again. False: the
 * key is "close", by which a ruleset is rid of its connection: Sendmail would show a client a broken one. */
bool ruleset_map_answer(struct service *s, struct explanation *x, const char *key, size_t key_len, struct buffer *answer);

#endif
