/* What of a reply is the server's own: a reply that mailwhy has explained already comes back from mail logs and in bounces. */
#ifndef MAILWHY_CATALOG_OWN_TEXT_H
#define MAILWHY_CATALOG_OWN_TEXT_H

#include <mailwhy/catalog.h>

/* The octets of reply->text before what mailwhy added, in any language of the catalogue: that ends with a reference, and begins with a reason, a fix, or whom to ask, or is
 * the reference alone. All of
 * them where there is nothing of that kind. */
size_t own_text_len(const struct catalog *c, const struct reply *reply);

#endif
