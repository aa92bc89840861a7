#include <mailwhy/catalog_slot.h>

#include <pthread.h>
#include <stdlib.h>

struct catalog_slot {
    pthread_mutex_t lock;
    struct catalog *catalog;
};

struct catalog_slot *catalog_slot_new(struct catalog *c)
{
    struct catalog_slot *slot = calloc(1, sizeof *slot);
    if (!slot)
        return NULL;
    pthread_mutex_init(&slot->lock, NULL);
    slot->catalog = c;
    return slot;
}

void catalog_slot_publish(struct catalog_slot *slot, struct catalog *c)
{
    pthread_mutex_lock(&slot->lock);
    struct catalog *old = slot->catalog;
    slot->catalog = c;
    pthread_mutex_unlock(&slot->lock);
    catalog_release(old);
}

struct catalog *catalog_slot_take(struct catalog_slot *slot)
{
    pthread_mutex_lock(&slot->lock);
    struct catalog *c = catalog_retain(slot->catalog);
    pthread_mutex_unlock(&slot->lock);
    return c;
}
