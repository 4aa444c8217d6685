/* A video plugin in C, written from the header alone: proof that the header says what the border
 * does. The macros make wrong ones of it. */
#include "consilium_plugin.h"
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifndef MAGIC
#define MAGIC CONSILIUM_MAGIC
#endif
#ifndef MAJOR
#define MAJOR CONSILIUM_ABI_MAJOR
#endif
#ifndef KIND
#define KIND "video/2"
#endif
#ifndef MINOR
#define MINOR 0
#endif
#ifndef FEATURES
#define FEATURES 0
#endif
#ifndef SIZE
#define SIZE sizeof(consilium_plugin)
#endif

struct instance {
  const consilium_host *host;
  atomic_ullong cancelled; /* the call that cancel() named last */
  atomic_int drained;
};

static void give(consilium_buffer *out, const char *text) {
  out->len = strlen(text);
  out->ptr = malloc(out->len);
  memcpy(out->ptr, text, out->len);
  out->free = NULL;
}

static void release(uint8_t *ptr, size_t len) {
  (void)len;
  free(ptr);
}

static consilium_slice lend(const char *text) {
  consilium_slice slice = {(const uint8_t *)text, strlen(text)};
  return slice;
}

static int32_t create(const consilium_host *host, consilium_slice config, void **instance,
                      consilium_buffer *out) {
  (void)config;
  (void)out;
  if (host->abi_major != CONSILIUM_ABI_MAJOR || host->size < CONSILIUM_HOST_SIZE_1_0)
    return CONSILIUM_INVALID;
  struct instance *made = calloc(1, sizeof *made);
  made->host = host;
  *instance = made;
  return CONSILIUM_OK;
}

static int is(consilium_slice method, const char *name) {
  return method.len == strlen(name) && memcmp(method.ptr, name, method.len) == 0;
}

static int32_t call(void *instance, uint64_t call_id, consilium_slice method,
                    consilium_slice request, consilium_buffer *out) {
  struct instance *self = instance;
  (void)request;
  if (is(method, "plugin.health")) {
    give(out, "{\"status\":\"ok\"}");
#ifdef WAITS
  } else if (is(method, "video.create_room")) {
    /* Returns once both ways of the header have told that nobody waits, or after ten seconds. */
    struct timespec pause = {0, 1000000};
    for (int i = 0; i < 10000; i++) {
      if (self->host->cancelled(self->host->context, call_id) && self->cancelled == call_id)
        return CONSILIUM_CANCELLED;
      nanosleep(&pause, NULL);
    }
    abort();
#endif
  } else if (is(method, "video.create_room")) {
    consilium_buffer time = {NULL, 0, NULL};
    int32_t code = self->host->call(self->host->context, call_id, lend("host.clock"), lend("{}"), &time);
    if (code != CONSILIUM_OK) return code;
    self->host->log(self->host->context, call_id, 3, lend("a room from C"));
    if (time.free) time.free(time.ptr, time.len);
    give(out, self->host->cancelled(self->host->context, call_id) ? "{}" : "{\"room\":\"c\"}");
  } else if (is(method, "video.end_room")) {
    give(out, "{\"emptied\":\"maybe\"}"); /* not what the contract says */
  } else {
    give(out, "{\"code\":\"unknown_method\",\"retryable\":false,\"message\":\"no\"}");
    out->free = release;
    return CONSILIUM_INVALID;
  }
  out->free = release;
  return CONSILIUM_OK;
}

static void cancel(void *instance, uint64_t call_id) {
  struct instance *self = instance;
  self->cancelled = call_id;
}

static int32_t drain(void *instance, uint64_t timeout_ms) {
  struct instance *self = instance;
  (void)timeout_ms;
  self->host->log(self->host->context, 0, 3, lend("drained"));
  self->drained = 1;
  return CONSILIUM_OK;
}

/* The host drains before it destroys; one that does not loses the process that this runs in. */
static void destroy(void *instance) {
  struct instance *self = instance;
  if (!self->drained) abort();
  free(self);
}

#ifdef NO_ENTRY_POINT
const consilium_plugin *consilium_plugin_v2(void) {
#else
const consilium_plugin *consilium_plugin_v1(void) {
#endif
  static char manifest[256];
  static consilium_plugin plugin = {MAGIC, SIZE, MAJOR, MINOR, FEATURES, {NULL, 0}, create, call, cancel, drain, destroy};
#ifdef LIE
  /* Another manifest in every process. */
  snprintf(manifest, sizeof manifest, "{\"id\":\"c\",\"version\":\"%d\",\"kinds\":[\"%s\"]}", (int)getpid(), KIND);
#else
  snprintf(manifest, sizeof manifest, "{\"id\":\"c\",\"version\":\"1.0.0\",\"kinds\":[\"%s\"]}", KIND);
#endif
  plugin.manifest.ptr = (const uint8_t *)manifest;
  plugin.manifest.len = strlen(manifest);
  return &plugin;
}
