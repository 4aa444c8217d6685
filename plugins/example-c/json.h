/* A small JSON reader and writer: enough for a plugin, and nothing to install. It checks the whole
 * text, depth at most 64, and finds members of the outermost object or of an object in it. */
#ifndef EXAMPLE_JSON_H
#define EXAMPLE_JSON_H

#include <stddef.h>

/* A growing text; `failed` when memory ran out, after which appending does nothing. */
typedef struct text {
  char *data;
  size_t len, capacity;
  int failed;
} text;

void text_add(text *out, const char *bytes, size_t len);
void text_put(text *out, const char *words);
/* A JSON string, with its quotes. */
void text_put_string(text *out, const char *bytes, size_t len);
void text_free(text *out);

/* 1 when bytes are one JSON object and nothing else. */
int json_is_object(const char *bytes, size_t len);
/* The string member called name, unescaped and ended by a zero that the caller frees; NULL when there
 * is none, when it is no string, or when it holds a zero itself. */
char *json_string(const char *bytes, size_t len, const char *name);
/* Where the value of a member stands; 0 when there is none. */
int json_member(const char *bytes, size_t len, const char *name, const char **value, size_t *value_len);

#endif
