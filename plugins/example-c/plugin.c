/* A video provider in C, written from consilium_plugin.h and the page of video/2 in docs/contracts:
 * Acme Meet makes rooms by HTTP and lets in whoever has the link. It is small, and it is complete:
 * every allocation is checked, every request is checked, and nothing outlives its call. */
#include "consilium_plugin.h"
#include "json.h"
#include <stdlib.h>
#include <string.h>

/* make CFLAGS=-DVIDEO_1 builds it as it was under video/1, where the ways into a room were fields. Hosts of video/2
 * adapt such plugins; the tests hold them to it. */
#ifdef VIDEO_1
#define CONTRACT "video/1"
#define ACCESS_BEGINS "{\"provider\":\"example-c\",\"join_url\":"
#define ACCESS_GOES_ON ",\"room\":"
#else
#define CONTRACT "video/2"
#define ACCESS_BEGINS "{\"ways\":[{\"way\":\"page\",\"url\":"
#define ACCESS_GOES_ON "}],\"room\":"
#endif

static const char MANIFEST[] =
    "{\"id\":\"example-c\",\"version\":\"0.1.0\",\"licence\":\"Apache-2.0\","
    "\"description\":\"Rooms of Acme Meet, in C\",\"kinds\":[\"" CONTRACT "\"],"
    "\"idempotent\":[\"video.create_room\",\"video.join\",\"video.end_room\"],"
    "\"secrets\":[{\"name\":\"api_key\",\"description\":\"API key from Acme's console\",\"required\":true}],"
    "\"permissions\":{\"egress\":[\"config:/base_url\"]},"
    "\"config_schema\":{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"base_url\"],"
    "\"properties\":{\"base_url\":{\"type\":\"string\",\"pattern\":\"^https?://\","
    "\"description\":\"Where Acme Meet is: https://meet.example.org.\"}}}}";

typedef struct acme {
  const consilium_host *host;
  char *base_url;
} acme;

static consilium_slice lend(const char *words) {
  consilium_slice slice = {(const uint8_t *)words, strlen(words)};
  return slice;
}

static void release(uint8_t *ptr, size_t len) {
  (void)len;
  free(ptr);
}

/* Hands a text over; the host gives it back through release. */
static int32_t give(consilium_buffer *out, text *words, int32_t code) {
  if (words->failed) {
    text_free(words);
    return CONSILIUM_PANIC;
  }
  out->ptr = (uint8_t *)words->data;
  out->len = words->len;
  out->free = release;
  return code;
}

static int32_t refuse(consilium_buffer *out, int32_t code, const char *name, int retryable, const char *message) {
  text words = {NULL, 0, 0, 0};
  text_put(&words, "{\"code\":");
  text_put_string(&words, name, strlen(name));
  text_put(&words, retryable ? ",\"retryable\":true,\"message\":" : ",\"retryable\":false,\"message\":");
  text_put_string(&words, message, strlen(message));
  text_put(&words, "}");
  return give(out, &words, code);
}

static int32_t malformed(consilium_buffer *out, const char *what) {
  return refuse(out, CONSILIUM_INVALID, "malformed", 0, what);
}

/* Ids become parts of addresses, so they may hold only what needs no escaping there. */
static int is_id(const char *id) {
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
  size_t len = id ? strlen(id) : 0;
  return len > 0 && len <= 128 && strspn(id, allowed) == len && strcmp(id, ".") != 0 && strcmp(id, "..") != 0;
}

/* Asks Acme for something about a room. The API key is never here: the host puts it in. */
static int32_t ask(const acme *self, uint64_t call_id, const char *method, const char *room, consilium_buffer *out) {
  text url = {NULL, 0, 0, 0}, request = {NULL, 0, 0, 0};
  consilium_buffer answer = {NULL, 0, NULL};
  text_put(&url, self->base_url);
  text_put(&url, "/api/rooms/");
  text_put(&url, room);
  text_put(&request, "{\"method\":");
  text_put_string(&request, method, strlen(method));
  text_put(&request, ",\"url\":");
  text_put_string(&request, url.data ? url.data : "", url.len);
  text_put(&request, ",\"headers\":{\"authorization\":\"Bearer {{secret:api_key}}\"},\"body\":\"e30=\"}");
  int failed = url.failed || request.failed;
  text_free(&url);
  if (failed) {
    text_free(&request);
    return CONSILIUM_PANIC;
  }
  consilium_slice lent = {(const uint8_t *)request.data, request.len};
  int32_t code = self->host->call(self->host->context, call_id, lend("host.http_fetch"), lent, &answer);
  text_free(&request);
  if (code == CONSILIUM_OK) {
    const char *status = NULL;
    size_t len = 0;
    int found = json_member((const char *)answer.ptr, answer.len, "status", &status, &len);
    if (!found || len != 3 || *status != '2')
      code = refuse(out, CONSILIUM_ERROR, "provider_unreachable", 1, "Acme did not do it");
  } else if (code == CONSILIUM_ERROR) {
    /* The host's reason is ours: egress_denied, timeout and the like. */
    text reason = {NULL, 0, 0, 0};
    text_add(&reason, (const char *)answer.ptr, answer.len);
    code = give(out, &reason, CONSILIUM_ERROR);
  }
  if (answer.free) answer.free(answer.ptr, answer.len);
  return code;
}

static int32_t create_room(const acme *self, uint64_t call_id, const char *request, size_t len, consilium_buffer *out) {
  char *key = json_string(request, len, "idempotency_key");
  char *room = json_string(request, len, "consultation_id");
  int32_t code = !key || !is_id(room) ? malformed(out, "video.create_room needs idempotency_key and consultation_id")
                                      : ask(self, call_id, "PUT", room, out);
  if (code == CONSILIUM_OK) {
    text reply = {NULL, 0, 0, 0};
    text_put(&reply, "{\"room\":");
    text_put_string(&reply, room, strlen(room));
    text_put(&reply, "}");
    code = give(out, &reply, CONSILIUM_OK);
  }
  free(key);
  free(room);
  return code;
}

static int32_t join(const acme *self, const char *request, size_t len, consilium_buffer *out) {
  const char *participant = NULL;
  size_t participant_len = 0;
  char *room = json_string(request, len, "room");
  char *until = json_string(request, len, "expires_at");
  char *who = json_member(request, len, "participant", &participant, &participant_len)
                  ? json_string(participant, participant_len, "id")
                  : NULL;
  int32_t code = CONSILIUM_OK;
  if (!is_id(room) || !until || !who) {
    code = malformed(out, "video.join needs room, participant and expires_at");
  } else {
    text url = {NULL, 0, 0, 0}, reply = {NULL, 0, 0, 0};
    text_put(&url, self->base_url);
    text_put(&url, "/rooms/");
    text_put(&url, room);
    text_put(&reply, ACCESS_BEGINS);
    text_put_string(&reply, url.data ? url.data : "", url.len);
    text_put(&reply, ACCESS_GOES_ON);
    text_put_string(&reply, room, strlen(room));
    text_put(&reply, ",\"expires_at\":");
    text_put_string(&reply, until, strlen(until));
    text_put(&reply, "}");
    reply.failed |= url.failed;
    text_free(&url);
    code = give(out, &reply, CONSILIUM_OK);
  }
  free(room);
  free(until);
  free(who);
  return code;
}

static int32_t end_room(const acme *self, uint64_t call_id, const char *request, size_t len, consilium_buffer *out) {
  char *room = json_string(request, len, "room");
  int32_t code = is_id(room) ? ask(self, call_id, "DELETE", room, out) : malformed(out, "video.end_room needs room");
  if (code == CONSILIUM_OK) {
    text reply = {NULL, 0, 0, 0};
    text_put(&reply, "{\"emptied\":true}");
    code = give(out, &reply, CONSILIUM_OK);
  }
  free(room);
  return code;
}

static int32_t acme_create(const consilium_host *host, consilium_slice config, void **instance, consilium_buffer *out) {
  if (!host || host->abi_major != CONSILIUM_ABI_MAJOR || host->size < CONSILIUM_HOST_SIZE_1_0)
    return refuse(out, CONSILIUM_INVALID, "abi_mismatch", 0, "the host's ABI is older than this plugin");
  char *base_url = json_string((const char *)config.ptr, config.len, "base_url");
  if (!base_url) return refuse(out, CONSILIUM_INVALID, "config_invalid", 0, "base_url is missing");
  acme *made = malloc(sizeof *made);
  if (!made) {
    free(base_url);
    return CONSILIUM_PANIC;
  }
  made->host = host;
  made->base_url = base_url;
  *instance = made;
  return CONSILIUM_OK;
}

static int is(consilium_slice method, const char *name) {
  return method.len == strlen(name) && memcmp(method.ptr, name, method.len) == 0;
}

static int32_t acme_call(void *instance, uint64_t call_id, consilium_slice method, consilium_slice request,
                         consilium_buffer *out) {
  const acme *self = instance;
  const char *json = (const char *)request.ptr;
  if (!json_is_object(json, request.len)) return malformed(out, "the request is no JSON object");
  if (is(method, "video.create_room")) return create_room(self, call_id, json, request.len, out);
  if (is(method, "video.join")) return join(self, json, request.len, out);
  if (is(method, "video.end_room")) return end_room(self, call_id, json, request.len, out);
  if (is(method, "plugin.health")) {
    text reply = {NULL, 0, 0, 0};
    text_put(&reply, "{\"status\":\"ok\"}");
    return give(out, &reply, CONSILIUM_OK);
  }
  return refuse(out, CONSILIUM_INVALID, "unknown_method", 0, "this plugin has no such call");
}

/* Calls only ever wait inside host->call, which the host ends by itself when they are cancelled. */
static void acme_cancel(void *instance, uint64_t call_id) {
  (void)instance;
  (void)call_id;
}

/* The instance holds nothing that running calls change, so there is nothing to wait for: the host
 * destroys it only after the last call has returned. */
static int32_t acme_drain(void *instance, uint64_t timeout_ms) {
  (void)timeout_ms;
  const acme *self = instance;
  self->host->log(self->host->context, 0, 3, lend("drained"));
  return CONSILIUM_OK;
}

static void acme_destroy(void *instance) {
  acme *self = instance;
  free(self->base_url);
  free(self);
}

const consilium_plugin *consilium_plugin_v1(void) {
  static const consilium_plugin plugin = {
      CONSILIUM_MAGIC,
      sizeof(consilium_plugin),
      CONSILIUM_ABI_MAJOR,
      CONSILIUM_ABI_MINOR,
      0,
      {(const uint8_t *)MANIFEST, sizeof MANIFEST - 1},
      acme_create,
      acme_call,
      acme_cancel,
      acme_drain,
      acme_destroy,
  };
  return &plugin;
}
