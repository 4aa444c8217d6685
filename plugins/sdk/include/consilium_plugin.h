/* consilium_plugin.h: the plugin border of Consilium, ABI 1.1. This text is normative.
 *
 * A plugin is a shared library that exports one function, consilium_plugin_v1(). It returns a vtable
 * that stays valid for the life of the process: the host never unloads a library.
 *
 * Compatibility: magic must match and abi_major must be equal. A minor version only appends fields.
 * Each side reads at most min(its own size, the other's size) bytes of a vtable. So a plugin built for
 * 1.0 runs on a host of 1.1, and a plugin built for 1.1 runs on a host of 1.0 if it looks at
 * host->size before it reads a field that came later.
 *
 * Features are parts of the host that not every host has, one bit each, the same bits on both sides.
 * The host says what it offers; a plugin says what it cannot do without, and is refused, with a
 * sentence for the operator, where any of it is missing. A plugin must not ask for a service whose
 * feature is not offered.
 *
 * Payloads are UTF-8 JSON of the contract's messages, at most 4 MiB each way; methods are named
 * "kind.call", such as "video.create_room". Fields a side does not know are ignored. The messages of
 * each kind, with JSON Schemas and examples, are described in docs/contracts.
 *
 * Threads: call may be entered by several threads at once, cancel at any time from any thread.
 * create, drain and destroy are each called once, destroy after the last call has returned.
 * Nothing may unwind or longjmp across any of these functions.
 *
 * Life of an instance: create; then any number of calls, each with an id that is never used again;
 * cancel for calls that nobody waits for; drain once no new call comes; destroy. A call that is
 * cancelled should return within 250 ms: a process with one that does not is killed. While a call
 * waits in host->call, the host ends that wait by itself when the call is cancelled.
 *
 * Buffers: out is empty when a function is entered ({NULL, 0, NULL}). Whoever fills it owns the bytes
 * until the receiver calls free, and may not touch them after it has returned.
 */
#ifndef CONSILIUM_PLUGIN_H
#define CONSILIUM_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CONSILIUM_MAGIC UINT64_C(0x434F4E53494C4955) /* "CONSILIU" */
#define CONSILIUM_ABI_MAJOR 1
#define CONSILIUM_ABI_MINOR 1
#define CONSILIUM_MAX_PAYLOAD (4u * 1024u * 1024u)

/* Features: bits of consilium_host.features and of consilium_plugin.features. */
#define CONSILIUM_FEATURE_EMIT (UINT64_C(1) << 0) /* host.emit */
#define CONSILIUM_FEATURE_BLOB (UINT64_C(1) << 1) /* host.blob_..., host.fetch_to_blob */

#if defined(__GNUC__)
#define CONSILIUM_EXPORT __attribute__((visibility("default")))
#else
#define CONSILIUM_EXPORT
#endif

/* Return codes. */
#define CONSILIUM_OK 0        /* out holds the reply */
#define CONSILIUM_ERROR 1     /* out holds {"code", "retryable", "message"}, perhaps "retry_after_seconds" */
#define CONSILIUM_PANIC 2     /* the same; the code behind the call failed unexpectedly */
#define CONSILIUM_INVALID 3   /* the same; unknown method or malformed request */
#define CONSILIUM_CANCELLED 4 /* out is empty */

/* Bytes owned by the caller, valid until the function returns. ptr may be null when len is 0. */
typedef struct consilium_slice {
  const uint8_t *ptr;
  size_t len;
} consilium_slice;

/* Bytes handed over. The receiver calls free(ptr, len) once, unless free is null. */
typedef struct consilium_buffer {
  uint8_t *ptr;
  size_t len;
  void (*free)(uint8_t *ptr, size_t len);
} consilium_buffer;

/* Given to create; valid for the rest of the process's life. */
typedef struct consilium_host {
  uint32_t size;
  uint16_t abi_major;
  uint16_t abi_minor;
  const void *context; /* first argument of the functions below */
  /* Calls a host service ("host.http_fetch", ...) on behalf of the running call call_id, 0 while in
   * create. Blocks until answered, cancelled or out of time. */
  int32_t (*call)(const void *context, uint64_t call_id, consilium_slice method,
                  consilium_slice request, consilium_buffer *out);
  /* level: 1 error, 2 warn, 3 info, 4 debug. message is UTF-8 without patient data. */
  void (*log)(const void *context, uint64_t call_id, uint32_t level, consilium_slice message);
  /* 1 once nobody waits for call_id any more: return CONSILIUM_CANCELLED soon. */
  uint8_t (*cancelled)(const void *context, uint64_t call_id);
  /* Since 1.1: read it only when size covers it. The features that this host offers. */
  uint64_t features;
} consilium_host;

/* Bytes of consilium_host in ABI 1.0: the least that any host has. */
#define CONSILIUM_HOST_SIZE_1_0 offsetof(consilium_host, features)


/* Returned by consilium_plugin_v1(). */
typedef struct consilium_plugin {
  uint64_t magic;
  uint32_t size;
  uint16_t abi_major;
  uint16_t abi_minor;
  uint64_t features;        /* features that the plugin cannot do without */
  consilium_slice manifest; /* JSON */
  int32_t (*create)(const consilium_host *host, consilium_slice config, void **instance,
                    consilium_buffer *out);
  int32_t (*call)(void *instance, uint64_t call_id, consilium_slice method,
                  consilium_slice request, consilium_buffer *out);
  void (*cancel)(void *instance, uint64_t call_id);
  /* Waits until no call is running: CONSILIUM_OK, or CONSILIUM_CANCELLED when time ran out. */
  int32_t (*drain)(void *instance, uint64_t timeout_ms);
  void (*destroy)(void *instance);
} consilium_plugin;

CONSILIUM_EXPORT const consilium_plugin *consilium_plugin_v1(void);

#ifdef __cplusplus
}
#endif

#endif
