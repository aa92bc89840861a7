/* The catalogue of the moment: published and retained under one lock, so that a reload swaps it under everybody's feet. */
#ifndef MAILWHY_CATALOG_SLOT_H
#define MAILWHY_CATALOG_SLOT_H

#include <mailwhy/catalog.h>

struct catalog_slot;

/* A slot, to the end of the process, that holds the catalogue, whose reference it takes over. NULL with errno ENOMEM: the reference stays the caller's. */
struct catalog_slot *catalog_slot_new(struct catalog *c);

/* Put another catalogue in, whose reference the slot takes over. */
void catalog_slot_publish(struct catalog_slot *slot, struct catalog *c);

/* The catalogue in it, with a reference for catalog_release(). */
struct catalog *catalog_slot_take(struct catalog_slot *slot);

#endif
