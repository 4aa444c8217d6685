/* consilium_plugin.h: the plugin border of Consilium, ABI 1.0. This text is normative.
 *
 * A plugin is a shared library that exports one function, consilium_plugin_v1(). It returns a vtable
 * that stays valid for the life of the process: the host never unloads a library.
 *
 * Compatibility: magic must match and abi_major must be equal. A minor version only appends fields.
 * Each side reads at most min(its own size, the other's size) bytes of a vtable.
 *
 * Payloads are UTF-8 JSON of the contract's messages, at most 4 MiB each way; methods are named
 * "kind.call", such as "video.create_room". Fields a side does not know are ignored.
 *
 * Threads: call may be entered by several threads at once, cancel at any time from any thread.
 * create, drain and destroy are each called once, destroy after the last call has returned.
 * Nothing may unwind or longjmp across any of these functions.
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
#define CONSILIUM_ABI_MINOR 0
#define CONSILIUM_MAX_PAYLOAD (4u * 1024u * 1024u)

/* Return codes. */
#define CONSILIUM_OK 0        /* out holds the reply */
#define CONSILIUM_ERROR 1     /* out holds {"code", "retryable", "message"} */
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
} consilium_host;

/* Returned by consilium_plugin_v1(). */
typedef struct consilium_plugin {
  uint64_t magic;
  uint32_t size;
  uint16_t abi_major;
  uint16_t abi_minor;
  uint64_t features;        /* no bits are defined yet */
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

const consilium_plugin *consilium_plugin_v1(void);

#ifdef __cplusplus
}
#endif

#endif
